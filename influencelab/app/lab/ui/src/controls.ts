// What a person changes of a parameter, by its declared type: a number, a switch, a choice, a list of values, or text.
import { button, element } from './dom';
import { ISchema } from './server';

/** Its value is text as the command line takes it. */
export interface IControl {
  node: HTMLElement;
  /** What takes the keyboard, and is called by the label. */
  input: HTMLElement;
  value: () => string;
  set: (text: string) => void;
  /** What the value must be, where it is not that. */
  fault: () => string;
}

type Make = (schema: ISchema, given: Record<string, string>, changed: () => void) => IControl;

const BOUNDS = { ge: 'at least', gt: 'above', le: 'at most', lt: 'below' } as const;
const KINDS: Record<string, string> = { integer: 'a whole number', number: 'a number', array: 'a list in brackets' };

export const numeric = ({ type, anyOf }: ISchema): boolean =>
  type === 'integer' || type === 'number' || (anyOf ?? []).some(numeric);

/** A type in words: `a whole number, at least 1`. */
function inWords(schema: ISchema): string {
  if (schema.enum) {
    return `one of ${schema.enum.join(', ')}`;
  }
  const limits = Object.entries(BOUNDS).flatMap(([name, word]) => {
    const limit = schema[name as keyof typeof BOUNDS];
    return limit === undefined ? [] : [`${word} ${limit}`];
  });
  return [KINDS[schema.type ?? ''] ?? 'text', limits.join(' and ')].filter(Boolean).join(', ');
}

/** What a text must be as a value, where it is not that. */
function wrong(text: string, schema: ISchema): string {
  const value = Number(text);
  const fits =
    (!numeric(schema) || (text !== '' && Number.isFinite(value))) &&
    (schema.type !== 'integer' || /^[+-]?\d+$/.test(text)) &&
    (schema.type !== 'array' || /^\[.*\]$/.test(text.trim())) &&
    (!schema.enum || schema.enum.includes(text)) &&
    !(value < (schema.ge ?? -Infinity)) &&
    !(value <= (schema.gt ?? -Infinity)) &&
    !(value > (schema.le ?? Infinity)) &&
    !(value >= (schema.lt ?? Infinity));
  return fits ? '' : inWords(schema);
}

const line: Make = (schema, given, changed) => {
  const step = { type: 'number', step: schema.type === 'integer' ? '1' : 'any' };
  const limits = { min: schema.ge ?? schema.gt, max: schema.le ?? schema.lt };
  const bounds = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  const kind = numeric(schema)
    ? { ...step, ...Object.fromEntries(bounds.map(([name, limit]) => [name, String(limit)])) }
    : { type: 'text' };
  const input = element('input', { ...given, ...kind, autocomplete: 'off', spellcheck: 'false', oninput: changed });
  // A number should not change because somebody scrolls over it.
  input.addEventListener('wheel', () => input.blur(), { passive: true });
  return {
    node: input,
    input,
    value: () => input.value,
    set: text => void (input.value = text),
    // A browser keeps to itself what is no number.
    fault: () => wrong(input.validity.badInput ? '?' : input.value, schema)
  };
};

const toggle: Make = (_, given, changed) => {
  const input = element('input', { ...given, type: 'checkbox', role: 'switch', class: 'il-toggle', onchange: changed });
  const set = (text: string) => void (input.checked = text === 'true');
  return { node: input, input, value: () => String(input.checked), set, fault: () => '' };
};

const choice: Make = (schema, given, changed) => {
  const options = (schema.enum ?? []).map(each => element('option', { value: each }, each));
  const input = element('select', { ...given, onchange: changed }, ...options);
  return { node: input, input, value: () => input.value, set: text => void (input.value = text), fault: () => '' };
};

/** The values in a list, in brackets or not; quoted ones may hold commas. */
function split(text: string, quoted: boolean): string[] {
  const inner = text.trim().replace(/^\[|\]$/g, '');
  const parts = quoted ? (inner.match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? []) : inner.split(',');
  const clean = parts.map(part => part.trim()).filter(Boolean);
  return clean.map(part => (quoted && /^".*"$/.test(part) ? (JSON.parse(part) as string) : part));
}

/** Values as chips, and a field for more of them. A list in brackets takes the place of all. */
const chips: Make = (schema, given, changed) => {
  const items = schema.items ?? {};
  const quoted = !numeric(items);
  const held = element('ul', { class: 'il-chips', 'aria-label': `Values of ${given.name}` });
  const offered = element('datalist', { id: `${given.id}-offered` });
  offered.append(...(items.enum ?? []).map(each => element('option', { value: each })));
  const input = element('input', {
    ...given,
    type: 'text',
    list: offered.id,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'add',
    oninput: () => (input.value.endsWith(',') ? take() : changed()),
    onblur: () => take(),
    onkeydown: event => key(event as KeyboardEvent)
  });
  const chipAt = (place: number) => held.children[place]?.querySelector('button') ?? null;
  const values = () => [...held.children].map(each => (each as HTMLElement).dataset.value ?? '');
  const typed = () => split(input.value, quoted);
  const bad = () => typed().find(part => wrong(part, items));
  const whole = () => input.value.trim().startsWith('[');
  const all = () => (bad() !== undefined ? values() : [...(whole() ? [] : values()), ...typed()]);

  function show(wanted: string[]): void {
    held.replaceChildren(...wanted.map(chip));
  }
  function chip(value: string): HTMLElement {
    const place = () => [...held.children].indexOf(node);
    const remove = () => {
      const next = chipAt(place() + 1) ?? chipAt(place() - 1) ?? input;
      node.remove();
      changed();
      next.focus();
    };
    const away = button('×', remove, { 'aria-label': `Remove ${value}`, tabindex: '-1' });
    away.addEventListener('keydown', event => {
      const next = { ArrowLeft: Math.max(place() - 1, 0), ArrowRight: place() + 1 }[event.key];
      if (next !== undefined) {
        (chipAt(next) ?? input).focus();
      } else if (event.key === 'Delete' || event.key === 'Backspace') {
        event.preventDefault();
        remove();
      }
    });
    const node = element('li', { 'data-value': value }, value, away);
    return node;
  }
  /** Take what is typed, if it is good; else it stays, to be seen. Chips that are there stay what they are. */
  function take(): void {
    if (bad() === undefined) {
      if (whole()) {
        held.replaceChildren();
      }
      held.append(...typed().map(chip));
      input.value = '';
    }
    changed();
  }
  function key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && input.value.trim()) {
      // Enter takes the value; with nothing typed it runs the study.
      event.preventDefault();
      take();
    } else if (event.key === 'Backspace' && !input.value) {
      show(values().slice(0, -1));
      changed();
    } else if (event.key === 'ArrowLeft' && !input.value) {
      chipAt(held.children.length - 1)?.focus();
    }
  }
  return {
    node: element('div', { class: 'il-list' }, held, input, offered),
    input,
    value: () => `[${all().map(each => (quoted ? JSON.stringify(each) : each)).join(', ')}]`,
    set: text => {
      input.value = '';
      show(split(text, quoted));
    },
    fault: () => (bad() === undefined ? '' : `${inWords(items)}, in each place`)
  };
};

/** A control whose value may be none. */
function optional(schema: ISchema): Make {
  return (_, given, changed) => {
    const held = control(schema)(schema, given, changed);
    const inner = element('div', {}, held.node);
    const none = element('input', { type: 'checkbox', 'aria-label': `${given.name} is none`, onchange: () => show() });
    const show = () => {
      inner.querySelectorAll<HTMLInputElement>('input, select, button').forEach(each => (each.disabled = none.checked));
      changed();
    };
    return {
      node: element('div', { class: 'il-optional' }, inner, element('label', {}, none, ' none')),
      input: held.input,
      value: () => (none.checked ? 'null' : held.value()),
      set: text => {
        none.checked = ['null', 'none'].includes(text.toLowerCase());
        held.set(none.checked ? '' : text);
        show();
      },
      fault: () => (none.checked ? '' : held.fault())
    };
  };
}

/** What makes the control of a type. */
export function control(schema: ISchema): Make {
  const inner = schema.anyOf?.find(each => each.type !== 'null');
  if (inner) {
    return optional(inner);
  }
  const flat = schema.type === 'array' && schema.items?.type && schema.items.type !== 'array';
  return schema.type === 'boolean' ? toggle : schema.enum ? choice : flat ? chips : line;
}
