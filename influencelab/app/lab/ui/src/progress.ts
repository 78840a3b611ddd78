// The runs of one study: what is measured, how far it is, what it prints. A card changes in place, so that neither
// the keyboard nor a screen reader's place is lost.
import { busy, button, duration, element, moment, say } from './dom';
import { active } from './feed';
import { IRun } from './server';

export interface IActs {
  cancel: (run: IRun) => void;
  result: (run: IRun) => void;
  open: (path: string) => void;
}

const WORDS = { queued: 'waiting', running: 'running', done: 'done', failed: 'failed', cancelled: 'stopped' };

/** Where a run stands, in a sentence. */
export function standing(run: IRun): string {
  if (run.ending) {
    return 'Being stopped.';
  }
  if (run.state === 'queued') {
    return run.ahead ? `Waiting behind ${run.ahead} other${run.ahead > 1 ? 's' : ''}.` : 'Waiting for its turn.';
  }
  if (run.state === 'running') {
    const share = run.fraction === null ? 'Starting' : `${Math.floor(100 * run.fraction)} %`;
    return `${share}${run.label ? `, ${run.label}` : ''}.`;
  }
  const took = run.started && run.ended ? ` after ${duration(run.ended - run.started)}` : '';
  return `${WORDS[run.state][0].toUpperCase()}${WORDS[run.state].slice(1)}${took}, ${moment(run.ended ?? run.asked)}.`;
}

/** What is said aloud: where a run stands, and every quarter of its way. */
function heard(run: IRun): string {
  const quarter = run.state === 'running' ? 25 * Math.floor(4 * (run.fraction ?? 0)) : 0;
  return `${run.study} at ${run.profile}: ${WORDS[run.state]}${quarter ? `, ${quarter} %` : ''}.`;
}

/** How long it has run, and how long it will. */
function times(run: IRun): string {
  const left = run.left ? `, about ${duration(run.left)} left` : '';
  return run.state === 'running' && run.passed !== null ? `${duration(run.passed)} so far${left}.` : '';
}

class Card {
  readonly node: HTMLLIElement;
  private run: IRun;
  private readonly said = element('p', { class: 'il-standing' });
  private readonly timed = element('p', { class: 'il-help' });
  private readonly bar = element('progress', { max: '1' });
  private readonly why = element('p', { class: 'il-error' });
  private readonly log = element('pre', { class: 'il-log', tabindex: '0', role: 'region' });
  private readonly printed = element('details', {}, element('summary', {}, 'Last lines printed'), this.log);
  private readonly stop: HTMLButtonElement;
  private readonly look: HTMLButtonElement;
  private readonly broken: HTMLButtonElement;

  constructor(run: IRun, acts: IActs) {
    this.run = run;
    const name = `${run.study} at ${run.profile}`;
    const changes = Object.entries(run.changes).map(([key, value]) => `${key} = ${value}`);
    this.bar.setAttribute('aria-label', `Progress of ${name}`);
    this.log.setAttribute('aria-label', `Last lines of ${name}`);
    this.printed.open = active(run);
    this.stop = button('Stop', () => acts.cancel(this.run), { 'aria-label': `Stop ${name}` });
    this.look = button('Show result', () => acts.result(this.run), { 'aria-label': `Show the result of ${name}` });
    this.broken = button('Open what ran', () => this.run.ran && acts.open(this.run.ran), {
      'aria-label': `Open what ran of ${name}`
    });
    this.node = element(
      'li',
      { class: 'il-run', 'data-run': run.id, tabindex: '-1' },
      element('div', { class: 'il-run-name' }, element('strong', {}, name), this.stop, this.look, this.broken),
      changes.length ? element('div', { class: 'il-help' }, changes.join(', ')) : null,
      this.bar,
      this.said,
      this.timed,
      this.why,
      this.printed
    );
    this.show(run);
  }

  show(run: IRun): void {
    this.run = run;
    this.node.dataset.state = run.state;
    this.bar.hidden = !active(run);
    if (run.fraction === null) {
      this.bar.removeAttribute('value');
    } else {
      this.bar.value = run.fraction;
    }
    say(this.said, standing(run));
    say(this.timed, times(run));
    say(this.why, run.message);
    this.why.hidden = !run.message;
    this.printed.hidden = run.log.length === 0;
    this.print(run.log);
    const held = this.stop === document.activeElement;
    this.stop.hidden = !active(run);
    busy(this.stop, run.ending);
    this.look.hidden = run.state !== 'done';
    this.broken.hidden = !run.ran;
    if (held && !active(run)) {
      // The keyboard goes on where the button was.
      ([this.look, this.broken].find(each => !each.hidden) ?? this.node).focus();
    }
  }

  /** The newest line stays in sight. */
  private print(lines: string[]): void {
    const last = this.log.textContent;
    say(this.log, lines.join('\n'));
    if (this.log.textContent !== last) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }
}

export class Progress {
  readonly node: HTMLElement;
  private readonly now = element('ul', { class: 'il-runs', 'aria-label': 'Runs', 'aria-busy': 'true' });
  private readonly before = element('ul', { class: 'il-runs', 'aria-label': 'Earlier runs' });
  private readonly earlier = element('details', { hidden: true }, element('summary', {}, 'Earlier runs'), this.before);
  private readonly none = element('p', { class: 'il-help' });
  private readonly heard = element('div', { class: 'il-heard', role: 'status' });
  private readonly cards = new Map<string, Card>();
  private told: Map<string, string> | null = null;

  constructor(private readonly acts: IActs) {
    this.node = element(
      'section',
      { class: 'il-progress', 'aria-label': 'Progress' },
      element('h2', {}, 'Progress'),
      this.none,
      this.now,
      this.earlier,
      this.heard
    );
  }

  /** Show the runs of the study, the newest first: what goes on and the newest above, the others folded away. */
  show(runs: IRun[], atOnce: number): void {
    this.now.setAttribute('aria-busy', 'false');
    const others = atOnce === 1 ? 'One runs at a time; others wait.' : `${atOnce} run at a time; others wait.`;
    say(this.none, runs.length ? others : `Nothing was run from here yet: choose a size and press Run. ${others}`);
    for (const [id, card] of this.cards) {
      if (!runs.some(run => run.id === id)) {
        card.node.remove();
        this.cards.delete(id);
      }
    }
    // Oldest first, each put before what is there: the newest stands on top.
    for (const run of [...runs].reverse()) {
      const card = this.cards.get(run.id) ?? new Card(run, this.acts);
      this.cards.set(run.id, card);
      card.show(run);
      const place = run === runs[0] || active(run) ? this.now : this.before;
      if (card.node.parentElement !== place) {
        place.prepend(card.node);
      }
    }
    this.earlier.hidden = !this.before.children.length;
    const before = this.told;
    this.told = new Map(runs.map(run => [run.id, heard(run)]));
    const changed = [...this.told].filter(([id, words]) => before && before.get(id) !== words);
    if (changed.length) {
      this.heard.textContent = changed.map(([, words]) => words).join(' ');
    }
  }

  /** Bring it into sight, where it is not. */
  reveal(): void {
    this.node.scrollIntoView({ block: 'nearest' });
  }
}
