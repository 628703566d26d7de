// What a rotation reaches beyond the vault: providers, destinations, services that use secrets. Handed in; a rotator
// without a world turns what is made here, and nothing else.
import { hostname } from 'node:os';
import type { ScheduleConfig } from '../config/operations.ts';
import type { Providers } from '../providers/providers.ts';
import type { Senders } from '../sync/deliver.ts';
import type { Place } from '../vault/places.ts';

/** One process, as rotations that it works on name it. */
export interface Claimant {
  /** A name for one piece of work: two at once in one process keep out of each other's way, too. */
  begin(): string;
  /** True where whoever had a name is certain to be gone: its rotations may be taken up at once. */
  isGone(name: string): boolean;
}

/** A program that uses secrets, and how it is asked whether it does well. */
export interface Service {
  readonly id: string;
  readonly from: Place;
  uses(name: string): boolean;
  readonly verify:
    | { readonly kind: 'http'; readonly url: string; readonly probe: string | undefined; readonly timeoutMs: number }
    | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number };
}

export interface World extends Senders {
  /** False where no provider is asked anything. */
  readonly live: boolean;
  readonly providers: Providers;
  readonly services: readonly Service[];
  readonly schedule: ScheduleConfig;
  readonly claimant: Claimant;
  /** Runs a service's command. @returns its exit code, or words about why there is none */
  readonly runCommand: (
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    timeoutMs: number,
  ) => Promise<{ readonly code: number } | { readonly why: string }>;
  readonly wait: (ms: number) => Promise<void>;
  /** How long, in ms, one run waits for what is on its way (a deployment) before it leaves that to a later one. */
  readonly patienceMs: number;
}

/** This process. @param random distinguishes it from others with its number: earlier ones, and other vaults open in it */
export function thisProcess(random: string): Claimant {
  const host = hostname();
  let begun = 0;
  return {
    begin() {
      begun += 1;
      return `${process.pid}@${host}#${random}/${begun}`;
    },
    isGone(name) {
      const match = /^(\d+)@(.*)#[^#]+$/.exec(name);
      if (!match?.[1] || match[2] !== host) return false;
      const pid = Number(match[1]);
      // One with our number may be another vault open in this process: its claim has to lapse.
      return pid !== process.pid && !isRunning(pid);
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, under another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
