// The form of a study: its sizes, and a field for each line of its parameters cell.
import { busy, button, duration, element } from './dom';
import { IField, IProfile, IStudy } from './server';

type Send = (profile: string, parameters: Record<string, string>) => Promise<void>;

/** What is wrong with a text as a value of a type, in words; empty where nothing is. */
export function fault(text: string, field: IField): string {
  const missing = field.type.includes('None') && ['', 'none', 'null'].includes(text.toLowerCase());
  const kind = field.type.split(' ')[0];
  const wrong =
    (kind === 'int' && !/^[+-]?\d+$/.test(text)) ||
    (kind === 'float' && (text === '' || !Number.isFinite(Number(text)))) ||
    (/^(list|tuple)/.test(kind) && !/^\[.*\]$/.test(text));
  const words: Record<string, string> = { int: 'a whole number', float: 'a number' };
  return wrong && !missing ? `This must be ${words[kind] ?? 'a list'}, such as ${field.example}.` : '';
}

class Line {
  readonly node: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly said: HTMLElement;
  private standard = '';

  constructor(readonly field: IField, id: string) {
    const switched = field.type === 'bool';
    this.input = element('input', {
      id,
      name: field.name,
      type: switched ? 'checkbox' : 'text',
      inputmode: field.type === 'int' ? 'numeric' : 'text',
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-describedby': `${id}-help ${id}-said`,
      oninput: () => this.check()
    });
    this.said = element('div', { id: `${id}-said`, class: 'il-fault', 'aria-live': 'polite' });
    this.node = element(
      'div',
      { class: `il-line${switched ? ' il-switch' : ''}` },
      element('label', { for: id }, field.name, element('span', { class: 'il-type' }, ` ${field.type}`)),
      this.input,
      element('div', { id: `${id}-help`, class: 'il-help' }, field.help),
      this.said
    );
  }

  get value(): string {
    return this.field.type === 'bool' ? String(this.input.checked) : this.input.value.trim();
  }

  get changed(): boolean {
    return this.value !== this.standard;
  }

  /** Take a profile's value; what a person typed stays. */
  profile(value: string): void {
    const typed = this.changed && this.node.classList.contains('il-changed');
    this.standard = value;
    if (!typed) {
      this.reset();
    }
    this.check();
  }

  reset(): void {
    this.input.value = this.standard;
    this.input.checked = this.standard === 'true';
    this.check();
  }

  check(): boolean {
    const wrong = fault(this.value, this.field);
    this.said.textContent = wrong;
    this.input.setAttribute('aria-invalid', String(wrong !== ''));
    this.node.classList.toggle('il-changed', this.changed);
    return wrong === '';
  }

  focus(): void {
    this.node.closest('details')?.setAttribute('open', '');
    this.input.focus();
  }
}

export class Form {
  readonly node: HTMLFormElement;
  private readonly lines: Line[];
  private readonly cost = element('p', { class: 'il-cost', 'aria-live': 'polite' });
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly choice: HTMLSelectElement;
  private readonly run = element('button', { type: 'submit', class: 'il-button il-accept' }, 'Run');

  constructor(private readonly study: IStudy, private readonly send: Send) {
    this.lines = study.parameters.map((field, place) => new Line(field, `il-field-${place}`));
    this.choice = element(
      'select',
      { id: 'il-profile', name: 'profile', onchange: () => this.size() },
      ...study.profiles.map(({ name }) => element('option', { value: name }, name))
    );
    const part = (where: boolean) => this.lines.filter(line => line.field.where === where).map(line => line.node);
    const where = part(true);
    this.node = element(
      'form',
      { class: 'il-form', novalidate: true, 'aria-label': `Run ${study.name}`, onsubmit: event => this.submit(event) },
      element('div', { class: 'il-line' }, element('label', { for: 'il-profile' }, 'Profile (size)'), this.choice),
      this.cost,
      ...part(false),
      where.length ? element('details', {}, element('summary', {}, 'Where it runs'), ...where) : null,
      this.failed,
      element(
        'div',
        { class: 'il-buttons' },
        this.run,
        button('Reset', () => this.lines.forEach(line => line.reset()))
      )
    );
    const preview = study.profiles.find(({ name }) => name === 'quick') ?? study.profiles[0];
    this.choice.value = preview?.name ?? '';
    this.size();
  }

  private get profile(): IProfile | undefined {
    return this.study.profiles.find(({ name }) => name === this.choice.value);
  }

  private size(): void {
    const profile = this.profile;
    if (profile) {
      this.cost.textContent = `About ${duration(profile.seconds)} and ${profile.memory_gb} GB on two cores.`;
      this.lines.forEach(line => line.profile(profile.values[line.field.name] ?? ''));
    }
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy(this.run)) {
      return;
    }
    this.failed.textContent = '';
    const wrong = this.lines.filter(line => !line.check());
    if (wrong.length) {
      wrong[0].focus();
      return;
    }
    const changed = this.lines.filter(line => line.changed).map(line => [line.field.name, line.value]);
    busy(this.run, true);
    try {
      await this.send(this.choice.value, Object.fromEntries(changed));
    } catch (error) {
      this.failed.textContent = (error as Error).message;
    } finally {
      busy(this.run, false);
    }
  }
}
