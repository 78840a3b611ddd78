// The panel: studies by their question, one study with its form and results, and the runs below.
import { LabIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { button, element, moment, say } from './dom';
import { Form } from './form';
import { Open, ReportView } from './report';
import { Runs } from './runs';
import { ICatalogue, IReport, IRun, IStudy, ask } from './server';

// Milliseconds between looks at the runs, while something runs and while nothing does.
const [BUSY, IDLE] = [1000, 8000];

export class Panel extends Widget {
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly body = element('div', { class: 'il-body' });
  private readonly limit = element('p', { class: 'il-help' });
  private readonly runs: Runs;
  // What went wrong, by what was attempted: what goes well later speaks for itself only.
  private readonly faults = new Map<string, string>();
  private catalogue: ICatalogue | null = null;
  private chosen: string | null = null;
  private shown: ReportView | null = null;
  private timer = 0;
  // Answers may overtake each other: only the newest question's counts.
  private looks = 0;
  private readings = 0;

  constructor(private readonly open: Open, icon: LabIcon) {
    super();
    this.id = 'influencelab-panel';
    this.addClass('il-panel');
    this.title.icon = icon;
    this.title.caption = 'Studies of influencelab';
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Studies of influencelab');
    this.runs = new Runs({ cancel: run => this.cancel(run), result: run => this.result(run), open });
    this.node.append(
      this.failed,
      this.body,
      element('section', {}, element('h3', {}, 'Runs'), this.limit, this.runs.node, this.runs.heard)
    );
  }

  /** Ask for everything anew. */
  async refresh(): Promise<void> {
    this.faults.delete('cancel');
    await this.attempt('studies', () => this.list());
    await this.look();
  }

  /** Show one study, with its newest or another report. */
  choose(name: string | null, folder?: string): void {
    this.chosen = name;
    this.draw(folder);
    this.node.scrollTop = 0;
    this.body.querySelector<HTMLElement>('h3')?.focus();
  }

  async cancelAll(): Promise<void> {
    await this.attempt('cancel', async () => {
      const { runs } = await ask<{ runs: IRun[] }>(['runs']);
      const active = runs.filter(run => run.state === 'queued' || run.state === 'running');
      await Promise.all(active.map(run => ask(['runs', run.id], 'DELETE')));
    });
    await this.look();
  }

  /** Take the keyboard, where somebody asks for the panel. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      (this.body.querySelector<HTMLElement>('h3') ?? this.node).focus();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.refresh();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this.refresh();
    }
  }

  protected onBeforeDetach(message: Message): void {
    window.clearTimeout(this.timer);
    super.onBeforeDetach(message);
  }

  /** Do something, and say what went wrong until it goes well. */
  private async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.faults.delete(what);
    } catch (error) {
      this.faults.set(what, (error as Error).message);
    }
    say(this.failed, [...new Set(this.faults.values())].join('\n'));
  }

  /** Ask for the studies. A form that is being filled in stays as it is, and so does a list that has not changed. */
  private async list(): Promise<void> {
    const before = JSON.stringify(this.catalogue);
    this.catalogue = await ask<ICatalogue>(['studies']);
    const { at_once } = this.catalogue;
    say(this.limit, at_once === 1 ? 'One runs at a time; others wait.' : `${at_once} run at a time; others wait.`);
    if (this.chosen === null && JSON.stringify(this.catalogue) !== before) {
      this.draw();
    }
  }

  private async look(): Promise<void> {
    const turn = ++this.looks;
    window.clearTimeout(this.timer);
    let pause = IDLE;
    let ended: IRun[] = [];
    await this.attempt('runs', async () => {
      const { runs } = await ask<{ runs: IRun[] }>(['runs']);
      if (turn === this.looks) {
        ended = this.runs.show(runs);
        pause = runs.some(run => run.state === 'queued' || run.state === 'running') ? BUSY : IDLE;
      }
    });
    if (ended.some(run => run.state === 'done')) {
      await this.attempt('studies', () => this.list());
      const mine = ended.find(run => run.study === this.chosen);
      if (mine) {
        this.results(mine.folder);
      }
    }
    if (turn === this.looks && this.isAttached && this.isVisible) {
      this.timer = window.setTimeout(() => void this.look(), pause);
    }
  }

  private async cancel(run: IRun): Promise<void> {
    await this.attempt('cancel', async () => {
      await ask(['runs', run.id], 'DELETE');
    });
    await this.look();
  }

  private result(run: IRun): void {
    this.choose(run.study, run.folder);
  }

  private draw(folder?: string): void {
    this.readings += 1;
    this.shown?.dispose();
    this.shown = null;
    const study = this.catalogue?.studies.find(({ name }) => name === this.chosen);
    if (study) {
      this.one(study, folder);
    } else if (this.catalogue) {
      this.all(this.catalogue);
    }
  }

  private all(catalogue: ICatalogue): void {
    const held = (document.activeElement as HTMLElement | null)?.dataset.study;
    const problems = catalogue.problems.map(each => element('li', {}, `${each.name}: ${each.message}`));
    this.body.replaceChildren(
      element('h3', { tabindex: '-1' }, 'Studies'),
      element('ul', { class: 'il-studies', 'aria-label': 'Studies' }, ...catalogue.studies.map(each => this.item(each))),
      problems.length
        ? element('details', {}, element('summary', {}, 'Notebooks that are no studies'), element('ul', {}, ...problems))
        : '',
      button('Look again', () => void this.refresh())
    );
    if (held) {
      this.body.querySelector<HTMLElement>(`[data-study="${CSS.escape(held)}"]`)?.focus();
    }
  }

  private item(study: IStudy): HTMLElement {
    const counts = new Map<string, number>();
    study.verdicts.forEach(({ verdict }) => {
      const word = verdict.split(' (')[0];
      counts.set(word, (counts.get(word) ?? 0) + 1);
    });
    const said = [...counts].map(([word, count]) => `${count} ${word}`).join(', ') || 'no claim judged';
    const newest = study.newest ? `${study.newest}: ${said}` : 'not run yet';
    return element(
      'li',
      {},
      element(
        'button',
        { type: 'button', class: 'il-study', 'data-study': study.name, onclick: () => this.choose(study.name) },
        element('span', { class: 'il-question' }, study.question),
        element('span', { class: 'il-help' }, `${study.name} · ${newest}`)
      ),
      study.damage ? element('p', { class: 'il-error' }, study.damage) : null
    );
  }

  private one(study: IStudy, folder?: string): void {
    const form = new Form(study, async (profile, parameters) => {
      await ask<IRun>(['runs'], 'POST', { study: study.name, profile, parameters });
      await this.look();
    });
    const path = study.path;
    this.body.replaceChildren(
      button('← All studies', () => this.choose(null)),
      element('h3', { tabindex: '-1' }, study.question),
      element('p', { class: 'il-help' }, study.name),
      path ? button('Open the notebook', () => this.open(path)) : '',
      form.node,
      element('section', { class: 'il-results', 'aria-label': `Results of ${study.name}` })
    );
    this.results(folder);
  }

  /** Show the reports of the chosen study: this one, or the newest. */
  private results(folder?: string): void {
    const study = this.catalogue?.studies.find(({ name }) => name === this.chosen);
    const place = this.body.querySelector('.il-results');
    if (!study || !place) {
      return;
    }
    const view = element('div');
    const show = async (wanted: string) => {
      const turn = ++this.readings;
      try {
        const report = await ask<IReport>(['reports', study.name, wanted]);
        if (turn === this.readings) {
          this.shown?.dispose();
          this.shown = new ReportView(report, this.open);
          view.replaceChildren(this.shown.node);
        }
      } catch (error) {
        view.replaceChildren(element('p', { class: 'il-error', role: 'alert' }, (error as Error).message));
      }
    };
    const choice = element(
      'select',
      { id: 'il-reports', onchange: () => void show(choice.value) },
      ...study.reports.map(each => element('option', { value: each.folder }, `${each.folder}, ${moment(each.when)}`))
    );
    if (!study.reports.length) {
      place.replaceChildren(element('h3', {}, 'Results'), element('p', { class: 'il-help' }, 'It was not run yet.'));
      return;
    }
    choice.value = study.reports.some(each => each.folder === folder) ? (folder as string) : study.reports[0].folder;
    place.replaceChildren(
      element('h3', {}, 'Results'),
      element('div', { class: 'il-line' }, element('label', { for: 'il-reports' }, 'Run'), choice),
      view
    );
    void show(choice.value);
  }
}
