// What a rotation reaches beyond the vault: providers, destinations, services that use secrets. Handed in; a rotator
// without a world turns what is made here, and nothing else.
import { hostname } from 'node:os';
import type { ScheduleConfig } from '../config/operations.ts';
import type { Providers } from '../providers/providers.ts';
import type { Senders } from '../sync/deliver.ts';
import type { Place } from '../vault/places.ts';

/** One process, as rotations that it works on name it. */
export interface Claimant {
  readonly id: string;
  /** True where another claimant is certain to be gone: its rotations may be taken up at once. */
  isGone(id: string): boolean;
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

/** This process. @param random distinguishes it from one that had its number before */
export function thisProcess(random: string): Claimant {
  const host = hostname();
  const id = `${process.pid}@${host}#${random}`;
  return {
    id,
    isGone(other) {
      const match = /^(\d+)@(.*)#([^#]+)$/.exec(other);
      if (!match?.[1] || match[2] !== host || other === id) return false;
      const pid = Number(match[1]);
      // Its number is ours: it was another run of the same.
      return pid === process.pid || !isRunning(pid);
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
