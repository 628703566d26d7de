// Scanning a tree for likely secrets: gitleaks and secretlint, as commands, beside `keyturn scan`, on the same files.

import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support.ts';
import { compare, programPath, versionOf } from './peer.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEYTURN = join(ROOT, 'bin', 'keyturn.cjs');
const ROUNDS = 3;
/** Nothing found, or something: anything else is a failure. */
const FINE = new Set([0, 1]);

function scan(program: string, args: readonly string[], cwd: string): void {
  const ended = spawnSync(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (!FINE.has(ended.status ?? -1))
    throw new Error(`${program} ended with ${ended.status}: ${ended.stderr.slice(0, 500)}`);
}

/** Sources of this project and of some of what it depends on: what repositories hold. */
function tree(): { folder: string; megabytes: number } {
  const folder = temporaryFolder();
  for (const name of ['lib', 'test', 'docs', 'console/src', 'bench'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  for (const name of ['zod', 'kysely', 'react-dom', '@mantine']) {
    cpSync(join(ROOT, 'node_modules', name), join(folder, 'vendored', name), { recursive: true });
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const bytes = files.reduce((sum, one) => sum + statSync(join(one.parentPath, one.name)).size, 0);
  return { folder, megabytes: Math.round(bytes / 1e6) };
}

export function scanning(): void {
  const { folder, megabytes } = tree();
  const [gitleaks, secretlint] = [programPath('gitleaks'), programPath('secretlint')];
  writeFileSync(
    join(folder, '.secretlintrc.json'),
    '{"rules":[{"id":"@secretlint/secretlint-rule-preset-recommend"}]}',
  );
  compare(
    `scan ${megabytes} MB of files for likely secrets`,
    [
      { who: 'Keyturn', once: () => scan(process.execPath, [KEYTURN, 'scan', '.', '--likely'], folder) },
      {
        who: gitleaks ? `gitleaks ${versionOf(gitleaks, ['version'])}` : 'gitleaks',
        once: gitleaks ? () => scan(gitleaks, ['dir', '.', '--no-banner', '--log-level', 'error'], folder) : undefined,
        note: 'as many threads as cores',
      },
      {
        who: secretlint ? `secretlint ${versionOf(secretlint)}` : 'secretlint',
        once: secretlint ? () => scan(secretlint, ['**/*'], folder) : undefined,
      },
    ],
    ROUNDS,
  );
}
