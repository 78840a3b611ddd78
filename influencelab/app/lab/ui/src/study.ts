// One study as a document: its question and answer, its form beside its progress, and its results.
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { button, dated, element, marked, say } from './dom';
import { Feed } from './feed';
import { Form } from './form';
import { Progress } from './progress';
import { Open, ReportView, counts, measured } from './report';
import { IReport, IRun, IStudy, ask } from './server';

// How many sentences of an answer are shown before it is unfolded.
const SENTENCES = 3;

export class StudyPage extends Widget {
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly heading = element('h1', { tabindex: '-1' }, 'Looking for the study …');
  private readonly facts = element('p', { class: 'il-help' });
  private readonly notebook: HTMLButtonElement;
  private readonly answer = element('section', { class: 'il-answer', 'aria-label': 'Answer' });
  private readonly work = element('div');
  private readonly choice = element('select', { onchange: () => void this.read(this.choice.value) });
  private readonly label = element('label', { for: '' }, 'Run');
  private readonly results = element('h2', { tabindex: '-1' }, 'Results');
  private readonly view = element('div');
  private readonly progress: Progress;
  private form: Form | null = null;
  private shown: ReportView | null = null;
  private declared = '';
  private listed = '';
  // Answers may overtake each other: only the newest question's counts.
  private readings = 0;

  constructor(readonly study: string, private readonly feed: Feed, private readonly open: Open) {
    super();
    this.addClass('il-page');
    this.node.tabIndex = -1;
    this.choice.id = this.label.htmlFor = `il-${study}-report`;
    this.notebook = button('Open the notebook', () => this.card?.path && open(this.card.path));
    this.progress = new Progress({
      cancel: run => void feed.cancel([run]),
      result: run => void this.read(run.folder).then(() => this.reveal()),
      open
    });
    this.node.append(
      element('header', {}, this.heading, element('div', { class: 'il-buttons' }, this.facts, this.notebook)),
      this.failed,
      this.answer,
      this.work,
      element(
        'section',
        { class: 'il-results', 'aria-label': `Results of ${study}` },
        this.results,
        element('div', { class: 'il-line' }, this.label, this.choice),
        this.view
      )
    );
    feed.join(this);
    this.renew();
  }

  dispose(): void {
    this.feed.leave(this);
    this.shown?.dispose();
    super.dispose();
  }

  /** Show what the feed holds. A form that is being filled in keeps what was typed. */
  renew(ended: IRun[] = []): void {
    const { card } = this;
    say(this.failed, this.feed.fault);
    if (this.feed.runs) {
      this.progress.show(this.feed.runs.filter(run => run.study === this.study), this.feed.catalogue?.at_once ?? 1);
    }
    if (!card) {
      say(this.heading, this.feed.catalogue ? `There is no study named ${this.study} here.` : 'Looking for the study …');
      return;
    }
    say(this.heading, card.question);
    say(this.facts, card.name);
    this.notebook.hidden = card.path === null;
    const declared = JSON.stringify([card.parameters, card.profiles]);
    if (declared !== this.declared) {
      this.declared = declared;
      const before = this.form?.values;
      this.form = new Form(card, (profile, parameters) => this.run(profile, parameters), this.progress.node);
      this.work.replaceChildren(this.form.node);
      if (before) {
        this.form.take(before);
      }
    }
    const done = ended.find(run => run.study === this.study && run.state === 'done');
    const listed = JSON.stringify(card.reports);
    if (done || listed !== this.listed) {
      this.listed = listed;
      this.list(card, done?.folder);
    }
  }

  private get card(): IStudy | undefined {
    return this.feed.catalogue?.studies.find(({ name }) => name === this.study);
  }

  private async run(profile: string, parameters: Record<string, string>): Promise<void> {
    await this.feed.run(this.study, profile, parameters);
    this.progress.reveal();
  }

  /** List the reports, and show the wanted one, or the one that is shown already, or the newest. */
  private list(card: IStudy, wanted?: string): void {
    const folders = card.reports.map(({ folder }) => folder);
    const folder = [wanted, this.choice.value, folders[0]].find(each => each && folders.includes(each));
    const stays = this.shown?.is(folder, card.reports.find(each => each.folder === folder)?.date);
    const options = card.reports.map(each => element('option', { value: each.folder }, `${each.folder}, ${dated(each.date)}`));
    this.choice.replaceChildren(...options);
    (this.choice.parentElement as HTMLElement).hidden = !folder;
    if (folder && stays) {
      this.choice.value = folder;
    } else if (folder) {
      void this.read(folder);
    } else {
      const nothing = element('p', { class: 'il-help' }, 'It was not run yet: press Run, and its results will be here.');
      this.view.replaceChildren(nothing);
      this.answer.replaceChildren(element('h2', {}, 'Answer'), element('p', {}, 'None yet.'));
    }
  }

  /** Read a report and show it. */
  private async read(folder: string): Promise<void> {
    const turn = ++this.readings;
    this.choice.value = folder;
    try {
      const report = await ask<IReport>(['reports', this.study, folder]);
      if (turn === this.readings) {
        this.shown?.dispose();
        this.shown = new ReportView(report, this.open);
        this.view.replaceChildren(this.shown.node);
        this.say(report);
      }
    } catch (error) {
      this.view.replaceChildren(element('p', { class: 'il-error', role: 'alert' }, (error as Error).message));
    }
  }

  /** The answer that a report gives: what was found, or else what became of each claim. */
  private say(report: IReport): void {
    const claims = report.verdicts.filter(measured).map(each => `**${each.verdict}:** ${each.statement} Measured ${each.measured}.`);
    const sentences = report.findings.length ? report.findings : claims;
    const items = sentences.map(each => element('li', {}, ...marked(each)));
    const more = items.splice(SENTENCES);
    const rest = element('ul', { 'aria-label': 'More that was found' }, ...more);
    this.answer.replaceChildren(
      element('h2', {}, 'Answer'),
      element('p', {}, counts(report.verdicts), ` in ${report.folder}, ${dated(report.date)}`),
      items.length ? element('ul', { 'aria-label': 'What was found' }, ...items) : '',
      more.length ? element('details', {}, element('summary', {}, `${more.length} more`), rest) : ''
    );
  }

  /** Lead to the results. */
  private reveal(): void {
    this.results.scrollIntoView();
    this.results.focus({ preventScroll: true });
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (document.activeElement === this.node || !this.node.contains(document.activeElement)) {
      this.heading.focus({ preventScroll: true });
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.feed.refresh();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // What it was put into has named it, and does not know what it is.
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', `Study ${this.study}`);
    void this.feed.refresh();
  }
}
