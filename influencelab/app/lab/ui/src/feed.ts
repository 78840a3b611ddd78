// What the server knows of studies and runs, asked for once for all views that show it.
import { ICatalogue, IRun, ask } from './server';

// Milliseconds between looks at the runs, while something runs and while nothing does.
const [BUSY, IDLE] = [1000, 8000];

export const active = (run: IRun): boolean => run.state === 'queued' || run.state === 'running';

/** Something that shows what the feed holds. */
export interface IView {
  readonly isVisible: boolean;
  /** Show it as it is now; `ended` are the runs that have ended since. */
  renew(ended?: IRun[]): void;
}

export class Feed {
  catalogue: ICatalogue | null = null;
  // None until the server has told of them: before that there seem to be none.
  runs: IRun[] | null = null;
  // What went wrong, by what was attempted: what goes well later speaks for itself only.
  private readonly faults = new Map<string, string>();
  private readonly views = new Set<IView>();
  private timer = 0;
  // Answers may overtake each other: only the newest question's counts.
  private looks = 0;

  /** What went wrong and was not mended since, in words. */
  get fault(): string {
    return [...new Set(this.faults.values())].join('\n');
  }

  join(view: IView): void {
    this.views.add(view);
  }

  leave(view: IView): void {
    this.views.delete(view);
  }

  /** Ask for everything anew. */
  async refresh(): Promise<void> {
    this.faults.delete('cancel');
    await Promise.all([this.list(), this.look()]);
  }

  /** Ask for a run; an Error that says why it is refused. */
  async run(study: string, profile: string, parameters: Record<string, string>): Promise<IRun> {
    const run = await ask<IRun>(['runs'], 'POST', { study, profile, parameters });
    await this.look();
    return run;
  }

  async cancel(runs: IRun[]): Promise<void> {
    await this.attempt('cancel', () => Promise.all(runs.map(run => ask(['runs', run.id], 'DELETE'))));
    await this.look();
  }

  async cancelAll(): Promise<void> {
    await this.look();
    await this.cancel((this.runs ?? []).filter(active));
  }

  private async list(): Promise<void> {
    await this.attempt('studies', async () => {
      this.catalogue = await ask<ICatalogue>(['studies']);
    });
    this.tell([]);
  }

  private async look(): Promise<void> {
    const turn = ++this.looks;
    window.clearTimeout(this.timer);
    const before = new Map((this.runs ?? []).filter(active).map(run => [run.id, run]));
    await this.attempt('runs', async () => {
      const { runs } = await ask<{ runs: IRun[] }>(['runs']);
      this.runs = turn === this.looks ? runs : this.runs;
    });
    if (turn !== this.looks) {
      return;
    }
    const ended = (this.runs ?? []).filter(run => before.has(run.id) && !active(run));
    if (ended.some(run => run.state === 'done')) {
      await this.list();
    }
    this.tell(ended);
    if ([...this.views].some(view => view.isVisible)) {
      this.timer = window.setTimeout(() => void this.look(), this.runs?.some(active) ? BUSY : IDLE);
    }
  }

  private async attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.faults.delete(what);
    } catch (error) {
      this.faults.set(what, (error as Error).message);
    }
  }

  private tell(ended: IRun[]): void {
    this.views.forEach(view => view.renew(ended));
  }
}
