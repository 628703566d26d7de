// The schedule, kept by an application's own process: what is due turns while a manager is open, in any number of processes.
import type { RotationResult } from '../rotation/results.ts';
import type { Rotator } from '../rotation/rotator.ts';
import type { World } from '../rotation/world.ts';
import type { EmbeddedVault } from '../vault/embedded-vault.ts';

/** How often, in ms, it is looked for what is due. */
const TICK_MS = 30_000;

interface KeptScheduleOptions {
  readonly vault: EmbeddedVault;
  /** What it takes to turn secrets; asked for once, when the schedule begins. */
  readonly turning: () => Promise<{ readonly rotator: Rotator; readonly world: World }>;
  readonly onTurned: (turned: readonly RotationResult[]) => void;
  readonly onError: (error: unknown) => void;
}

export class KeptSchedule {
  readonly #options: KeptScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #tick: (() => Promise<void>) | undefined;

  /** Begins at once, and goes on until it is stopped; it does not keep the process running. */
  constructor(options: KeptScheduleOptions) {
    this.#options = options;
    this.#after(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Each tick waits for the one before. */
  #after(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(async () => {
      try {
        this.#tick ??= await this.#begin();
        // Stopped while that was loaded: the vault is closed.
        if (!this.#stopped) await this.#tick();
      } catch (error) {
        // A vault that is closed in the middle of a tick leaves its work to the next process; that is no error.
        if (!this.#stopped) this.#options.onError(error);
      }
      this.#after(TICK_MS);
    }, ms).unref();
  }

  /** What turns secrets is loaded now: reading them never needs it. */
  async #begin(): Promise<() => Promise<void>> {
    const { vault, turning, onTurned } = this.#options;
    const [{ Ticker }, { rotator, world }] = await Promise.all([import('../rotation/tick.ts'), turning()]);
    const ticker = new Ticker(vault.context, world);
    return async () => {
      await vault.perform(rotator.settle());
      const { turned } = await vault.perform(ticker.tick(rotator));
      onTurned(turned);
    };
  }
}
