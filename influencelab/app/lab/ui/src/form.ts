// The form of a study: its sizes, and a field for each line of its parameters cell.
import { IControl, control, numeric } from './controls';
import { busy, button, duration, element } from './dom';
import { IField, IProfile, IStudy } from './server';

type Send = (profile: string, parameters: Record<string, string>) => Promise<void>;

// Characters of a list from which on it takes the whole width.
const LONG = 32;

/** One parameter: its name and type, what a person changes, what is wrong with it, and what it means. */
class Field {
  readonly node: HTMLElement;
  private readonly control: IControl;
  private readonly said: HTMLElement;
  private standard: string | null = null;

  constructor(readonly field: IField, id: string) {
    const given = { id, name: field.name, 'aria-describedby': `${id}-help ${id}-said` };
    this.control = control(field.schema)(field.schema, given, () => this.check());
    this.said = element('div', { id: `${id}-said`, class: 'il-fault', 'aria-live': 'polite' });
    this.node = element(
      'div',
      { class: 'il-line' },
      element('label', { for: id }, field.name, element('span', { class: 'il-type' }, ` ${field.type}`)),
      this.control.node,
      this.said,
      element('div', { id: `${id}-help`, class: 'il-help' }, field.help)
    );
  }

  get value(): string {
    return this.control.value();
  }

  get changed(): boolean {
    const [one, other] = [this.value, this.standard ?? ''];
    const alike = numeric(this.field.schema) && one !== '' && Number(one) === Number(other);
    return one !== other && !alike;
  }

  /** Take a profile's value; what a person typed stays. */
  profile(value: string): void {
    const typed = this.standard !== null && this.changed;
    this.standard = value;
    if (typed) {
      this.check();
    } else {
      this.put(value);
    }
  }

  reset(): void {
    this.put(this.standard ?? '');
  }

  put(value: string): void {
    this.control.set(value);
    this.node.classList.toggle('il-wide', this.field.schema.type === 'array' && value.length > LONG);
    this.check();
  }

  check(): boolean {
    const fault = this.control.fault();
    this.say(fault && `This must be ${fault}. An example: ${this.field.example}`);
    this.node.classList.toggle('il-changed', this.changed);
    return fault === '';
  }

  /** Say what is wrong with the value, beside it. */
  say(fault: string): void {
    this.said.textContent = fault;
    this.control.input.setAttribute('aria-invalid', String(fault !== ''));
  }

  focus(): void {
    this.node.closest('details')?.setAttribute('open', '');
    this.control.input.focus();
  }
}

export class Form {
  readonly node: HTMLFormElement;
  private readonly fields: Field[];
  private readonly cost = element('p', { class: 'il-help', 'aria-live': 'polite' });
  private readonly failed = element('p', { class: 'il-error', role: 'alert' });
  private readonly choice: HTMLSelectElement;
  private readonly run = element('button', { type: 'submit', class: 'il-button il-accept' }, 'Run');

  /** `beside` is what stands beside the fields: how the run goes on. */
  constructor(private readonly study: IStudy, private readonly send: Send, beside: HTMLElement) {
    const id = `il-${study.name}`;
    this.fields = study.parameters.map((field, place) => new Field(field, `${id}-${place}`));
    this.choice = element(
      'select',
      { id: `${id}-profile`, name: 'profile', onchange: () => this.size() },
      ...study.profiles.map(each => element('option', { value: each.name }, `${each.name}, about ${duration(each.seconds)}`))
    );
    const part = (where: boolean) => this.fields.filter(each => each.field.where === where).map(each => each.node);
    const where = part(true);
    const buttons = element('div', { class: 'il-buttons' }, this.run, button('Reset', () => this.reset()));
    const size = element('label', { for: `${id}-profile` }, 'Profile (size)');
    this.node = element(
      'form',
      { class: 'il-work', novalidate: true, 'aria-label': `Run ${study.name}`, onsubmit: event => this.submit(event) },
      element(
        'div',
        { class: 'il-start' },
        element('div', { class: 'il-line' }, size, this.choice),
        buttons,
        this.cost,
        this.failed
      ),
      beside,
      element(
        'div',
        { class: 'il-fields' },
        ...part(false),
        where.length ? element('details', { class: 'il-wide' }, element('summary', {}, 'Where it runs'), ...where) : null
      )
    );
    const preview = study.profiles.find(({ name }) => name === 'quick') ?? study.profiles[0];
    this.choice.value = preview?.name ?? '';
    this.size();
  }

  /** The chosen size and what was changed. */
  get values(): [string, Record<string, string>] {
    const changed = this.fields.filter(each => each.changed).map(each => [each.field.name, each.value]);
    return [this.choice.value, Object.fromEntries(changed)];
  }

  /** Take over what was chosen and changed in another form. */
  take([profile, changes]: [string, Record<string, string>]): void {
    if (this.study.profiles.some(each => each.name === profile)) {
      this.choice.value = profile;
      this.size();
    }
    this.fields.filter(each => each.field.name in changes).forEach(each => each.put(changes[each.field.name]));
  }

  private get profile(): IProfile | undefined {
    return this.study.profiles.find(({ name }) => name === this.choice.value);
  }

  private size(): void {
    const profile = this.profile;
    if (profile) {
      this.cost.textContent = `About ${duration(profile.seconds)} and ${profile.memory_gb} GB on two cores.`;
      this.fields.forEach(each => each.profile(profile.values[each.field.name] ?? ''));
    }
  }

  private reset(): void {
    this.failed.textContent = '';
    this.fields.forEach(each => each.reset());
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy(this.run)) {
      return;
    }
    this.failed.textContent = '';
    const wrong = this.fields.filter(each => !each.check());
    if (wrong.length) {
      wrong[0].focus();
      return;
    }
    busy(this.run, true);
    try {
      await this.send(...this.values);
    } catch (error) {
      this.refuse((error as Error).message);
    } finally {
      busy(this.run, false);
    }
  }

  /** Say what the server refuses beside the field that it names, or else below the button. */
  private refuse(message: string): void {
    const named = /^Parameter '(\w+)'/.exec(message)?.[1];
    const field = this.fields.find(each => each.field.name === named);
    if (field) {
      field.say(message);
      field.focus();
    } else {
      this.failed.textContent = message;
    }
  }
}
