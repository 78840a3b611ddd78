// One report: verdicts, figures, numbers, and what can be opened of it.
import { busy, button, duration, element, moment, table } from './dom';
import { IReport, IVerdict, ask, figure } from './server';

export type Open = (path: string) => void;

export function verdictList(verdicts: IVerdict[]): HTMLElement {
  if (!verdicts.length) {
    return element('p', { class: 'il-help' }, 'No claim rests on what was measured here.');
  }
  // A list, since a panel is too narrow for a table of sentences.
  const items = verdicts.map(each =>
    element(
      'li',
      {},
      element('strong', {}, each.verdict),
      element('div', {}, each.statement, element('span', { class: 'il-help' }, ` ${each.paper}`)),
      element('div', { class: 'il-help' }, `measured ${each.measured}; accepted ${each.accepted}`)
    )
  );
  return element('ul', { class: 'il-verdicts', 'aria-label': 'Verdicts' }, ...items);
}

export class ReportView {
  readonly node: HTMLElement;
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly told = element('p', { class: 'il-help', role: 'status' });
  private readonly addresses: string[] = [];
  private gone = false;

  constructor(private readonly report: IReport, private readonly open: Open) {
    const { study, folder } = report;
    const changed = report.changed ? ' Its parameters differ from the profile’s, so it is not on the scorecard.' : '';
    const memory = `${(report.peak_memory_mb / 1000).toFixed(1)} GB`;
    const values = Object.entries(report.parameters);
    this.node = element(
      'article',
      { class: 'il-report', 'aria-label': `Result of ${study} at ${folder}` },
      element('p', {}, `${moment(report.when)}; it took ${duration(report.seconds)} and ${memory}.${changed}`),
      element(
        'div',
        { class: 'il-buttons' },
        this.opener('Explore', 'explore'),
        button('Open executed notebook', () => this.open(report.notebook as string), {
          disabled: report.notebook === null,
          title: report.notebook === null ? 'Its executed notebook is not kept here: run it again.' : ''
        }),
        this.opener('Open a copy with these parameters', 'copy'),
        this.opener('Export HTML', 'export')
      ),
      this.failed,
      this.told,
      element('h4', {}, 'Verdicts'),
      verdictList(report.verdicts),
      element('h4', {}, 'Figures'),
      ...report.figures.map(name => this.picture(name)),
      report.figures.length ? null : element('p', { class: 'il-help' }, 'It drew none.'),
      element(
        'details',
        {},
        element('summary', {}, `Numbers (${report.numbers.length})`),
        table('Numbers', ['Name', 'Value', 'n'], report.numbers.map(each => [each.name, each.value, String(each.n ?? '')]))
      ),
      element(
        'details',
        {},
        element('summary', {}, `Parameters (${values.length})`),
        table('Parameters', ['Name', 'Value'], values)
      )
    );
  }

  dispose(): void {
    this.gone = true;
    this.addresses.forEach(address => URL.revokeObjectURL(address));
  }

  private opener(text: string, what: string): HTMLButtonElement {
    const { study, folder } = this.report;
    const made = button(text, async () => {
      this.failed.textContent = '';
      busy(made, true);
      try {
        const { path } = await ask<{ path: string }>(['reports', study, folder, what], 'POST');
        // JupyterLab runs no scripts of a page until it is told to.
        const trust = 'Press “Trust HTML” above it, or download it, for the explorer in it.';
        this.told.textContent = what === 'export' ? `Wrote ${path}. ${trust}` : `Wrote ${path}.`;
        this.open(path);
      } catch (error) {
        this.failed.textContent = (error as Error).message;
      } finally {
        busy(made, false);
      }
    });
    return made;
  }

  private picture(name: string): HTMLElement {
    const words = name.replace(/[_/]/g, ' ');
    const image = element('img', { alt: `Figure: ${words}` });
    const full = element('a', { target: '_blank', title: 'Open in full size' }, image);
    const shown = element('figure', {}, full, element('figcaption', {}, words));
    figure(this.report.study, this.report.folder, name).then(
      address => {
        if (this.gone) {
          URL.revokeObjectURL(address);
          return;
        }
        this.addresses.push(address);
        image.src = address;
        full.href = address;
      },
      (error: Error) => shown.replaceChildren(element('p', { class: 'il-error' }, error.message))
    );
    return shown;
  }
}
