// The left bar: every study by its question, what its newest run says, and whether it runs now.
import { LabIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { button, dated, element, say } from './dom';
import { Feed, active } from './feed';
import { counts } from './report';
import { standing } from './progress';
import { ICatalogue, IStudy } from './server';

type Choose = (study: string) => void;

class List extends Widget {
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly body = element('div');
  private readonly states = new Map<string, HTMLElement>();
  private drawn = '';
  current: string | null = null;

  constructor(private readonly feed: Feed, private readonly choose: Choose) {
    super();
    this.node.append(element('h2', { tabindex: '-1' }, 'Studies'), this.failed, this.body);
  }

  renew(): void {
    const { catalogue, runs } = this.feed;
    say(this.failed, this.feed.fault);
    if (catalogue && JSON.stringify(catalogue) !== this.drawn) {
      this.draw(catalogue);
      this.drawn = JSON.stringify(catalogue);
    }
    this.buttons.forEach(each => each.setAttribute('aria-current', String(each.dataset.study === this.current)));
    for (const [name, node] of this.states) {
      const run = (runs ?? []).find(each => each.study === name && active(each));
      say(node, run ? standing(run) : '');
      node.dataset.state = run?.state ?? '';
      node.style.setProperty('--il-share', `${100 * (run?.fraction ?? 0)}%`);
    }
  }

  private draw(catalogue: ICatalogue): void {
    const held = (document.activeElement as HTMLElement | null)?.dataset.study;
    const problems = catalogue.problems.map(each => element('li', {}, `${each.name}: ${each.message}`));
    const items = catalogue.studies.map(each => this.item(each));
    const list = element('ul', { 'aria-label': 'Studies', onkeydown: event => this.key(event as KeyboardEvent) }, ...items);
    this.body.replaceChildren(
      list,
      problems.length
        ? element('details', {}, element('summary', {}, 'Notebooks that are no studies'), element('ul', {}, ...problems))
        : '',
      button('Look again', () => void this.feed.refresh())
    );
    this.go(this.buttons.find(each => each.dataset.study === held) ?? this.buttons[0], held !== undefined);
  }

  private get buttons(): HTMLButtonElement[] {
    return [...this.body.querySelectorAll<HTMLButtonElement>('.il-study')];
  }

  /** Arrows lead through the list, of which the tab key finds one. */
  private key(event: KeyboardEvent): void {
    const [all, place] = [this.buttons, this.buttons.indexOf(event.target as HTMLButtonElement)];
    const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined && place >= 0) {
      event.preventDefault();
      this.go(all[Math.min(Math.max(next, 0), all.length - 1)], true);
    }
  }

  private go(button: HTMLButtonElement | undefined, focus: boolean): void {
    this.buttons.forEach(each => (each.tabIndex = each === button ? 0 : -1));
    if (focus) {
      button?.focus();
    }
  }

  private item(study: IStudy): HTMLElement {
    const date = study.reports[0]?.date;
    const state = element('span', { class: 'il-state' });
    this.states.set(study.name, state);
    return element(
      'li',
      {},
      element(
        'button',
        { type: 'button', class: 'il-study', 'data-study': study.name, onclick: () => this.choose(study.name) },
        element('span', { class: 'il-question' }, study.question),
        element('span', { class: 'il-help' }, `${study.name} · ${study.newest ? `${study.newest}, ${dated(date)}` : 'not run yet'}`),
        study.newest ? counts(study.verdicts) : null,
        state
      ),
      study.damage ? element('p', { class: 'il-error' }, study.damage) : null
    );
  }
}

/** The bar with the list; where there is no main area to open a study in, it is opened here, in the list's place. */
export class Sidebar extends Panel {
  private readonly list: List;
  private readonly back = new Widget({ node: button('← All studies', () => this.host(null)) });
  private hosted: Widget | null = null;

  constructor(private readonly feed: Feed, icon: LabIcon, choose: Choose) {
    super();
    this.id = 'influencelab-panel';
    this.addClass('il-panel');
    this.title.icon = icon;
    this.title.caption = 'Studies of influencelab';
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Studies of influencelab');
    this.list = new List(feed, choose);
    this.addWidget(this.back);
    this.addWidget(this.list);
    this.back.hide();
    feed.join(this);
  }

  renew(): void {
    this.list.renew();
  }

  /** Mark the study that is looked at. */
  mark(study: string | null): void {
    this.list.current = study;
    this.list.renew();
  }

  /** Show a study in the list's place, or the list again. */
  host(study: Widget | null): void {
    this.hosted?.dispose();
    this.hosted = study;
    this.back.setHidden(study === null);
    this.list.setHidden(study !== null);
    if (study) {
      this.addWidget(study);
    }
    this.node.scrollTop = 0;
    this.focus();
  }

  /** Take the keyboard, where somebody asks for the panel. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      this.focus();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.feed.refresh();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this.feed.refresh();
    }
  }

  private focus(): void {
    if (this.hosted) {
      this.hosted.activate();
    } else {
      this.list.node.querySelector('h2')?.focus();
    }
  }
}
