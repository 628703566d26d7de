// What goes wrong while the soak runs: one thing at a time, drawn by a seed, and mended again before the next.
import { appendFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestPostgres } from '../test/support/postgres.ts';
import type { ProviderServer } from '../test/support/provider-server.ts';
import { clocksCanJump, type SoakServer } from './servers.ts';

export interface FaultPlace {
  readonly servers: readonly SoakServer[];
  readonly postgres: TestPostgres;
  readonly provider: ProviderServer;
  /** The file system that PostgreSQL writes to, where it is one of its own. */
  readonly disk: string | undefined;
  /** A whole number below. */
  readonly random: (below: number) => number;
}

type FaultRun = (at: FaultPlace) => Promise<void>;

const FILL = 'filler';

function oneOf<T>(at: FaultPlace, among: readonly T[]): T {
  const chosen = among[at.random(among.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

/** The last server is never ended: its memory is what is watched. */
function mortal(at: FaultPlace): readonly SoakServer[] {
  return at.servers.slice(0, -1);
}

async function endServer(at: FaultPlace, signal: NodeJS.Signals): Promise<void> {
  const server = oneOf(at, mortal(at));
  await server.kill(signal);
  await wait(at.random(1500));
  await server.start();
}

/** Fills the disk to the last block, and gives it back. */
async function fillDisk(at: FaultPlace): Promise<void> {
  if (!at.disk) return;
  const path = join(at.disk, FILL);
  const block = Buffer.alloc(1 << 20);
  try {
    writeFileSync(path, '');
    for (;;) {
      const { bavail, bsize } = statfsSync(at.disk);
      const left = bavail * bsize;
      if (left === 0) break;
      appendFileSync(path, left < block.length ? block.subarray(0, left) : block);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  await wait(2000 + at.random(2000));
  rmSync(path, { force: true });
}

const PROVIDER_FAULTS = ['cut-after', 'cut-before', 'page', 'slow', 'throttled', 'broken'] as const;

async function troubleProvider({ provider, random }: FaultPlace): Promise<void> {
  for (let n = 0; n < 12; n += 1) {
    const kind = PROVIDER_FAULTS[random(PROVIDER_FAULTS.length)] ?? 'page';
    if (kind === 'throttled') {
      provider.faults.push({ kind: 'reply', reply: { status: 429, json: {}, headers: { 'retry-after': '1' } } });
    } else if (kind === 'broken') {
      provider.faults.push({ kind: 'reply', reply: { status: 500, json: { error: { message: 'server error' } } } });
    } else if (kind === 'slow') provider.faults.push({ kind, ms: 500 + random(1500) });
    else provider.faults.push({ kind });
  }
  await wait(6000);
}

/** Everything that there is, and how often it is drawn. */
export const FAULTS: readonly { readonly name: string; readonly weight: number; readonly run: FaultRun }[] = [
  { name: 'server killed (SIGKILL)', weight: 5, run: (at) => endServer(at, 'SIGKILL') },
  { name: 'server aborted (SIGABRT: writes a core, where it may)', weight: 1, run: (at) => endServer(at, 'SIGABRT') },
  { name: 'server stopped (SIGTERM)', weight: 1, run: (at) => endServer(at, 'SIGTERM') },
  {
    name: 'server frozen for seconds (SIGSTOP)',
    weight: 2,
    run: async (at) => {
      const server = oneOf(at, at.servers);
      server.signal('SIGSTOP');
      await wait(1500 + at.random(3000));
      server.signal('SIGCONT');
    },
  },
  { name: 'PostgreSQL restarted', weight: 2, run: (at) => at.postgres.restart() },
  {
    name: 'PostgreSQL crashed, and recovered',
    weight: 2,
    run: async (at) => {
      const start = await at.postgres.crash();
      await wait(at.random(2000));
      await start();
    },
  },
  { name: 'disk full', weight: 2, run: fillDisk },
  {
    name: 'clock of a server moved by minutes',
    weight: clocksCanJump ? 2 : 0,
    run: async (at) => {
      const server = oneOf(at, at.servers);
      server.moveClock((at.random(2) === 0 ? -1 : 1) * (30 + at.random(600)));
      await wait(5000);
      server.moveClock(0);
    },
  },
  { name: 'provider in trouble', weight: 3, run: troubleProvider },
];

export function drawFault(at: FaultPlace): (typeof FAULTS)[number] {
  const usable = FAULTS.filter((one) => one.name !== 'disk full' || at.disk !== undefined);
  let draw = at.random(usable.reduce((sum, one) => sum + one.weight, 0));
  for (const one of usable) {
    if (draw < one.weight) return one;
    draw -= one.weight;
  }
  throw new Error('no fault was drawn');
}

/** After a fault: whatever it took down runs again. @returns what had to be started */
export async function mend(
  { servers, postgres, disk }: FaultPlace,
  startPostgres: () => Promise<void>,
): Promise<string[]> {
  const mended: string[] = [];
  if (disk) rmSync(join(disk, FILL), { force: true });
  // Out of space for its log, PostgreSQL ends itself (PANIC) and waits for somebody.
  if (!postgres.running()) {
    await startPostgres();
    mended.push('PostgreSQL');
  }
  for (const server of servers) {
    if (server.running) continue;
    await server.start();
    mended.push(server.name);
  }
  return mended;
}
