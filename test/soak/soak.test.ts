// The soak itself, for some seconds: three servers on PostgreSQL, faults, and the checker at the end.
import { expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/command.ts';

it('runs, and proves what it has to', async () => {
  const args = ['--no-warnings', 'soak/soak.ts', '--minutes', '0.25', '--seed', '11'];
  // Other tests share the processor: as everywhere here, no time is asserted.
  const env = { KEYTURN_SOAK_STALE_MS: '10000' };
  const ended = await runProgram(process.execPath, args, { cwd: ROOT, env, timeoutMs: 380_000 });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  expect(ended.stdout.match(/^✓ /gm)?.length).toBe(9);
});
