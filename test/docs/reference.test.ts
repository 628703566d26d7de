// The reference says what the code does: made again, it is what stands in docs/reference.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/command.ts';

it('is what `npm run reference` would write now', async () => {
  const script =
    "import { referencePages } from './scripts/lib/reference.js'; process.stdout.write(JSON.stringify(await referencePages()));";
  const ended = await runProgram(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
    cwd: ROOT,
  });
  expect(ended.code, ended.stderr).toBe(0);
  for (const [name, text] of Object.entries(JSON.parse(ended.stdout) as Record<string, string>)) {
    expect(readFileSync(join(ROOT, 'docs', 'reference', name), 'utf8'), `${name}: run \`npm run reference\``).toBe(
      text,
    );
  }
});
