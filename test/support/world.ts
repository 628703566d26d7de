// Worlds for tests: a configuration as a project would write it, with short waits.
import type { OperationsConfig } from '../../lib/config/operations.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import type { World } from '../../lib/rotation/world.ts';
import { worldOf } from '../../lib/rotation/world-of.ts';
import { DEVELOPMENT } from './vault.ts';

export interface TestWorldOptions {
  readonly clock: () => number;
  readonly root?: string;
  readonly patienceMs?: number;
  readonly timeoutMs?: number;
  /** What pauses are asked for; none is waited out. */
  readonly pauses?: number[];
}

export function testWorld(operations: OperationsConfig, options: TestWorldOptions): World {
  return worldOf({
    operations,
    root: options.root ?? '/nowhere',
    at: DEVELOPMENT,
    env: { PATH: process.env.PATH },
    random: systemRandom,
    clock: options.clock,
    timeoutMs: options.timeoutMs ?? 2_000,
    ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    wait: async (ms) => {
      options.pauses?.push(ms);
      await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5)));
    },
  });
}
