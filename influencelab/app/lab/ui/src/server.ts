// What the server is asked, and what it answers. Token and XSRF mark are JupyterLab's own.
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** A declared type as JSON Schema, with bounds by their short names. */
export interface ISchema {
  type?: string;
  enum?: string[];
  items?: ISchema;
  prefixItems?: ISchema[];
  anyOf?: ISchema[];
  ge?: number;
  gt?: number;
  le?: number;
  lt?: number;
}

export interface IField {
  name: string;
  type: string;
  help: string;
  example: string;
  schema: ISchema;
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
  reports: { folder: string; date: string }[];
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
  passed: number | null;
  log: string[];
  ran: string | null;
  ending: boolean;
  ahead: number | null;
}

export interface IReport {
  study: string;
  folder: string;
  date: string;
  commit: string;
  seconds: number;
  peak_memory_mb: number;
  changed: boolean;
  parameters: Record<string, string>;
  findings: string[];
  verdicts: IVerdict[];
  numbers: { name: string; value: string; n: number | null }[];
  figures: { name: string; caption: string }[];
  explorable: boolean;
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

/** The bytes of a figure or of what can be explored. */
export async function content(path: string[]): Promise<Blob> {
  return (await response(path, {})).blob();
}
