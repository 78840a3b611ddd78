// One report: its run, figures, verdicts, measurements and parameters, what can be opened of it, and the explorer.
import { busy, button, dated, duration, element, marked, say, table } from './dom';
import { explore } from './explorer';
import { IReport, IVerdict, ask, content } from './server';

export type Open = (path: string) => void;

const SIGNS: Record<string, string> = {
  reproduced: '✓',
  explained: '✓',
  'not reproduced': '✗',
  'depends on the setting': '±',
  negligible: '○',
  inconclusive: '≈'
};

/** Whether a claim's number was measured at all. */
export const measured = (verdict: IVerdict): boolean => verdict.measured !== '';

/** How often each verdict was given, as marks. */
export function counts(verdicts: IVerdict[]): HTMLElement {
  const found = new Map<string, number>();
  verdicts.filter(measured).forEach(({ verdict }) => {
    const word = verdict.split(' (')[0];
    found.set(word, (found.get(word) ?? 0) + 1);
  });
  const marks = [...found].map(([word, count]) =>
    element('span', { class: 'il-mark', 'data-verdict': word }, `${SIGNS[word] ?? '·'} ${count} ${word}`)
  );
  return element('span', { class: 'il-marks' }, ...(marks.length ? marks : ['no claim judged']));
}

function verdictTable(verdicts: IVerdict[]): HTMLElement {
  if (!verdicts.length) {
    return element('p', { class: 'il-help' }, 'No claim rests on what was measured here.');
  }
  const rows = verdicts.map(each => [`${each.statement} ${each.paper}`, each.accepted, each.measured || '–', each.verdict]);
  return table('Verdicts', ['Claim', 'Accepted', 'Measured', 'Verdict'], rows);
}

/** Every number, and a field that leaves those whose names hold some words. */
function measurements(report: IReport): HTMLElement {
  const rows = report.numbers.map(each => [each.name, each.value, String(each.n ?? '')]);
  const shown = table('Measurements', ['Measurement', 'Value and 95% interval', 'n'], rows);
  const lines = [...shown.querySelectorAll<HTMLElement>('tbody tr')];
  const count = element('span', { class: 'il-help', role: 'status' }, `${rows.length} numbers`);
  const input = element('input', {
    type: 'search',
    placeholder: 'only those with these words',
    'aria-label': 'Only measurements with these words',
    oninput: () => {
      const words = input.value.toLowerCase().split(/\s+/);
      lines.forEach(line => (line.hidden = !words.every(word => line.textContent?.toLowerCase().includes(word))));
      say(count, `${lines.filter(line => !line.hidden).length} of ${rows.length} numbers`);
    }
  });
  return element('div', {}, element('div', { class: 'il-search' }, input, count), shown);
}

export class ReportView {
  readonly node: HTMLElement;
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly told = element('p', { class: 'il-help', role: 'status' });
  private readonly explorer = element('div', { class: 'il-explorer' });
  private readonly ends: (() => void)[] = [];
  private gone = false;

  constructor(private readonly report: IReport, private readonly open: Open) {
    const { study, folder } = report;
    const changed = report.changed ? ' Its parameters differ from the profile’s, so it is not on the scorecard.' : '';
    const memory = `${(report.peak_memory_mb / 1000).toFixed(1)} GB`;
    const code = report.commit ? `, with the code of ${report.commit.slice(0, 8)}` : '';
    const cost = `It took ${duration(report.seconds)} and ${memory}${code}.${changed}`;
    const values = Object.entries(report.parameters);
    this.node = element(
      'article',
      { class: 'il-report', 'aria-label': `Result of ${study} at ${folder}` },
      element('p', {}, element('strong', {}, `Run of ${dated(report.date)}. `), cost),
      element(
        'div',
        { class: 'il-buttons' },
        this.opener('Explore in a notebook', 'explore'),
        button('Open executed notebook', () => this.open(report.notebook as string), {
          disabled: report.notebook === null,
          title: report.notebook === null ? 'Its executed notebook is not kept here: run it again.' : ''
        }),
        this.opener('Open a copy with these parameters', 'copy'),
        this.opener('Export HTML', 'export')
      ),
      this.failed,
      this.told,
      element('h3', {}, 'Figures'),
      element('div', { class: 'il-figures' }, ...report.figures.map(each => this.picture(each))),
      report.figures.length ? null : element('p', { class: 'il-help' }, 'It drew none.'),
      element('h3', {}, 'Verdicts'),
      verdictTable(report.verdicts),
      element('h3', {}, 'Measurements'),
      measurements(report),
      element('details', {}, element('summary', {}, `Parameters (${values.length})`), table('Parameters', ['Name', 'Value'], values)),
      element('h3', {}, 'Point by point'),
      this.explorer
    );
    this.explore();
  }

  /** Whether it shows this report; another run of the same size has another date. */
  is(folder?: string, date?: string): boolean {
    return folder === this.report.folder && date === this.report.date && date !== '';
  }

  dispose(): void {
    this.gone = true;
    this.ends.forEach(end => end());
  }

  /** The explorer, once it comes near; it draws thousands of points. */
  private explore(): void {
    const { study, folder, explorable } = this.report;
    if (!explorable) {
      const nothing = 'This run keeps nothing for the explorer. Run the study again, and it will be here.';
      this.explorer.append(element('p', { class: 'il-help' }, nothing));
      return;
    }
    const near = new IntersectionObserver(
      seen => {
        if (!seen.some(each => each.isIntersecting)) {
          return;
        }
        near.disconnect();
        explore(study, folder, this.explorer).then(
          end => (this.gone ? end() : this.ends.push(end)),
          (error: Error) => this.explorer.replaceChildren(element('p', { class: 'il-error' }, error.message))
        );
      },
      { rootMargin: '1200px' }
    );
    near.observe(this.explorer);
    this.ends.push(() => near.disconnect());
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

  private picture({ name, caption }: { name: string; caption: string }): HTMLElement {
    const words = name.replace(/[_/]/g, ' ');
    const image = element('img', { alt: `Figure: ${words}` });
    const full = element('a', { target: '_blank', title: 'Open in full size' }, image);
    const shown = element('figure', {}, full, element('figcaption', {}, ...marked(caption || words)));
    content(['reports', this.report.study, this.report.folder, 'figures', name]).then(
      blob => {
        const address = URL.createObjectURL(blob);
        this.ends.push(() => URL.revokeObjectURL(address));
        image.src = address;
        full.href = address;
      },
      (error: Error) => shown.replaceChildren(element('p', { class: 'il-error' }, error.message))
    );
    return shown;
  }
}
