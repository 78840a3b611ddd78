// The explorer of a report, alive in a page without a kernel.
import { element } from './dom';
import { ask, content } from './server';

interface IModule {
  renderAlone: (given: { bytes: ArrayBuffer; settings: object; el: HTMLElement; reason: string }) => () => void;
}

let loaded: Promise<IModule> | null = null;

/** The explorer's module, once for all pages. */
async function load(): Promise<IModule> {
  const { script, style } = await ask<{ script: string; style: string }>(['explorer']);
  document.head.append(element('style', {}, style));
  const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  return import(/* webpackIgnore: true */ address);
}

/** Show what a report keeps; what is returned ends it. */
export async function explore(study: string, folder: string, host: HTMLElement): Promise<() => void> {
  loaded ??= load();
  loaded.catch(() => (loaded = null));
  const [module, kept] = await Promise.all([loaded, content(['reports', study, folder, 'explorer'])]);
  const reason = 'retraining needs a notebook: press “Explore in a notebook”';
  return module.renderAlone({ bytes: await kept.arrayBuffer(), settings: {}, el: host, reason });
}
