// Elements made of what they hold, and numbers in words.

type Held = Node | string | null;

/** An element with attributes, listeners (`onclick`) and contents. Text is never read as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...held: Held[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      made.addEventListener(name.slice(2), value);
    } else if (typeof value === 'boolean') {
      made.toggleAttribute(name, value);
    } else {
      made.setAttribute(name, value);
    }
  }
  made.append(...held.filter((each): each is Node | string => each !== null));
  return made;
}

export function button(text: string, act: () => void, attributes: Record<string, string | boolean> = {}): HTMLButtonElement {
  const made: HTMLButtonElement = element(
    'button',
    { type: 'button', class: 'il-button', ...attributes, onclick: () => void (busy(made) || act()) },
    text
  );
  return made;
}

/** Whether a button is at work, or let it be so. It keeps the keyboard, which a disabled one would lose. */
export function busy(button: HTMLButtonElement, set?: boolean): boolean {
  if (set !== undefined) {
    button.setAttribute('aria-disabled', String(set));
  }
  return button.getAttribute('aria-disabled') === 'true';
}

/** Change a text only where it differs: what is read out is then read once, and what is marked stays marked. */
export function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** A table whose first column heads its rows. */
export function table(label: string, heads: string[], rows: string[][]): HTMLElement {
  const cells = (row: string[]) =>
    row.map((cell, place) => (place === 0 ? element('th', { scope: 'row' }, cell) : element('td', {}, cell)));
  return element(
    'div',
    { class: 'il-table', tabindex: '0', role: 'region', 'aria-label': label },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...heads.map(head => element('th', { scope: 'col' }, head)))),
      element('tbody', {}, ...rows.map(row => element('tr', {}, ...cells(row))))
    )
  );
}

/** `40 s`, `7 min`, `1.5 h`. */
export function duration(seconds: number): string {
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A day, with its time where that is known; `2026-11-29` names a day and no moment. */
export function dated(text: string): string {
  const day = /^(\d+)-(\d+)-(\d+)$/.exec(text);
  if (day) {
    return new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])).toLocaleDateString([], { dateStyle: 'medium' });
  }
  return text ? moment(Date.parse(text) / 1000) : 'date not recorded';
}

export function moment(seconds: number): string {
  return new Date(1000 * seconds).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/** Text with `**bold**` and `code` in it, as findings are written. */
export function marked(text: string): (Node | string)[] {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map(part => {
    const bold = part.startsWith('**');
    return bold || part.startsWith('`') ? element(bold ? 'strong' : 'code', {}, part.replace(/^(\*\*|`)|(\*\*|`)$/g, '')) : part;
  });
}
