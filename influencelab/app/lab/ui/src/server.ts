// What the server is asked, and what it answers. Token and XSRF mark are JupyterLab's own.
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

export interface IField {
  name: string;
  type: string;
  help: string;
  example: string;
  where: boolean;
}

export interface IProfile {
  name: string;
  seconds: number;
  memory_gb: number;
  values: Record<string, string>;
}

export interface IVerdict {
  claim: string;
  statement: string;
  paper: string;
  accepted: string;
  measured: string;
  verdict: string;
}

export interface IStudy {
  name: string;
  question: string;
  path: string | null;
  parameters: IField[];
  profiles: IProfile[];
  reports: { folder: string; when: number }[];
  newest: string | null;
  verdicts: IVerdict[];
  damage: string;
}

export interface ICatalogue {
  studies: IStudy[];
  problems: { name: string; message: string }[];
  at_once: number;
}

export interface IRun {
  id: string;
  study: string;
  profile: string;
  changes: Record<string, string>;
  folder: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  expected: number;
  asked: number;
  started: number | null;
  ended: number | null;
  message: string;
  fraction: number | null;
  label: string;
  left: number | null;
  log: string[];
  ran: string | null;
  ending: boolean;
  ahead: number | null;
}

export interface IReport {
  study: string;
  folder: string;
  when: number;
  seconds: number;
  peak_memory_mb: number;
  changed: boolean;
  parameters: Record<string, string>;
  verdicts: IVerdict[];
  numbers: { name: string; value: string; n: number | null }[];
  figures: string[];
  place: string | null;
  notebook: string | null;
}

async function response(path: string[], init: RequestInit): Promise<Response> {
  const settings = ServerConnection.makeSettings();
  const parts = path.map(part => part.split('/').map(encodeURIComponent).join('/'));
  const url = URLExt.join(settings.baseUrl, 'influencelab', ...parts);
  let answer: Response;
  try {
    answer = await ServerConnection.makeRequest(url, init, settings);
  } catch {
    throw new Error('The Jupyter server does not answer. Is it still running?');
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message || `The server refused this (${answer.status}). Reload the page and try again.`);
  }
  return answer;
}

/** The server's answer; an error says in words what was wrong. */
export async function ask<T>(path: string[], method = 'GET', body?: unknown): Promise<T> {
  const sent = method === 'POST' ? JSON.stringify(body ?? {}) : undefined;
  return (await response(path, { method, body: sent })).json();
}

/** A figure as an address that an image can show; to be revoked when it is shown no more. */
export async function figure(study: string, folder: string, name: string): Promise<string> {
  const answer = await response(['reports', study, folder, 'figures', name], {});
  return URL.createObjectURL(await answer.blob());
}
