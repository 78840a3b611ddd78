// The runs: each a card that changes in place, so that neither focus nor a screen reader's place is lost.
import { busy, button, duration, element, moment, say } from './dom';
import { IRun } from './server';

export interface IActs {
  cancel: (run: IRun) => void;
  result: (run: IRun) => void;
  open: (path: string) => void;
}

const WORDS = { queued: 'waiting', running: 'running', done: 'done', failed: 'failed', cancelled: 'cancelled' };

/** Where a run stands, in a sentence. */
export function standing(run: IRun): string {
  if (run.ending) {
    return 'Being cancelled.';
  }
  if (run.state === 'queued') {
    return run.ahead ? `Waiting behind ${run.ahead} other${run.ahead > 1 ? 's' : ''}.` : 'Waiting for its turn.';
  }
  if (run.state === 'running') {
    const share = run.fraction === null ? 'Starting' : `${Math.floor(100 * run.fraction)} %`;
    const left = run.left ? `, about ${duration(run.left)} left` : '';
    return `${share}${run.label ? `, ${run.label}` : ''}${left}.`;
  }
  const took = run.started && run.ended ? ` after ${duration(run.ended - run.started)}` : '';
  return `${WORDS[run.state][0].toUpperCase()}${WORDS[run.state].slice(1)}${took}, ${moment(run.ended ?? run.asked)}.`;
}

class Card {
  readonly node: HTMLLIElement;
  private run: IRun;
  private readonly said = element('p', { class: 'il-standing' });
  private readonly bar = element('progress', { max: '1' });
  private readonly why = element('p', { class: 'il-error' });
  private readonly log = element('pre', { class: 'il-log', tabindex: '0' });
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
    this.stop = button('Cancel', () => acts.cancel(this.run), { 'aria-label': `Cancel ${name}` });
    this.look = button('Show result', () => acts.result(this.run), { 'aria-label': `Show the result of ${name}` });
    this.broken = button('Open what ran', () => this.run.ran && acts.open(this.run.ran), {
      'aria-label': `Open what ran of ${name}`
    });
    this.node = element(
      'li',
      { class: 'il-run', 'data-run': run.id, tabindex: '-1' },
      element('strong', {}, name),
      changes.length ? element('div', { class: 'il-help' }, changes.join(', ')) : null,
      this.bar,
      this.said,
      this.why,
      this.printed,
      element('div', { class: 'il-buttons' }, this.stop, this.look, this.broken)
    );
    this.show(run);
  }

  show(run: IRun): void {
    this.run = run;
    const active = run.state === 'queued' || run.state === 'running';
    this.node.dataset.state = run.state;
    this.bar.hidden = run.state !== 'running';
    if (run.fraction === null) {
      this.bar.removeAttribute('value');
    } else {
      this.bar.value = run.fraction;
    }
    say(this.said, standing(run));
    say(this.why, run.message);
    this.why.hidden = !run.message;
    this.printed.hidden = run.log.length === 0;
    this.print(run.log);
    const held = this.stop === document.activeElement;
    this.stop.hidden = !active;
    busy(this.stop, run.ending);
    this.look.hidden = run.state !== 'done';
    this.broken.hidden = !run.ran;
    if (held && !active) {
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

export class Runs {
  readonly node = element('ul', { class: 'il-runs', 'aria-label': 'Runs', 'aria-busy': 'true' });
  readonly heard = element('div', { class: 'il-heard', role: 'status' });
  private readonly cards = new Map<string, Card>();
  private states = new Map<string, string>();
  private readonly none = element('li', { class: 'il-help', hidden: true }, 'Nothing was run from here yet.');

  constructor(private readonly acts: IActs) {
    this.node.append(this.none);
  }

  /** Show the runs as they are now; those that have ended since. */
  show(runs: IRun[]): IRun[] {
    const ended = runs.filter(run => ['queued', 'running'].includes(this.states.get(run.id) ?? '') && run.ended);
    this.node.setAttribute('aria-busy', 'false');
    this.none.hidden = runs.length > 0;
    for (const [id, card] of this.cards) {
      if (!runs.some(run => run.id === id)) {
        card.node.remove();
        this.cards.delete(id);
      }
    }
    // Oldest first, each put before what is there: the newest stands on top.
    for (const run of [...runs].reverse()) {
      const card = this.cards.get(run.id);
      if (card) {
        card.show(run);
      } else {
        const made = new Card(run, this.acts);
        this.cards.set(run.id, made);
        this.node.prepend(made.node);
      }
    }
    const changed = runs.filter(run => this.states.size && this.states.get(run.id) !== run.state);
    if (changed.length) {
      this.heard.textContent = changed.map(run => `${run.study} at ${run.profile}: ${WORDS[run.state]}.`).join(' ');
    }
    this.states = new Map(runs.map(run => [run.id, run.state]));
    return ended;
  }
}
