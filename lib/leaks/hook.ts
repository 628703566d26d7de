// The pre-commit hook: a marked block of its own in the repository's hook, beside whatever else is there.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileError } from '../errors.ts';
import { replaceFile } from '../vault/files.ts';

const BEGIN = '# >>> keyturn scan >>>';
const END = '# <<< keyturn scan <<<';

function block(command: string): string {
  return [
    BEGIN,
    '# Looks for secrets in what is staged. `keyturn scan uninstall` takes this block out again.',
    `${command} scan --staged || exit 1`,
    END,
  ].join('\n');
}

/** The repository's pre-commit hook; core.hooksPath is followed. @throws FileError outside of a repository */
export function hookPath(folder: string): string {
  try {
    const path = execFileSync('git', ['-C', folder, 'rev-parse', '--git-path', 'hooks/pre-commit'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return resolve(folder, path.trim());
  } catch {
    // Git says why in its own words, which need not be repeated: either there is none, or no repository.
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${folder} is not in a git repository.`,
      left: 'No hook was written.',
      next: 'Run it where the repository is.',
    });
  }
}

/** @param command how to run Keyturn there, as a line of a shell. @returns what the hook was before */
export function installHook(path: string, command: string): 'new' | 'added' | 'renewed' {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (before !== undefined && !/^#!.*\b(?:ba|da|z|k)?sh\b/.test(before)) {
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} is there, and is no shell script.`,
      left: 'It was not changed.',
      next: `Have it run \`${command} scan --staged\`, and end with its status.`,
    });
  }
  const rest = withoutBlock(before ?? '#!/bin/sh\n');
  mkdirSync(dirname(path), { recursive: true });
  // Before everything else: a hook may end early.
  const [shebang = '#!/bin/sh', ...lines] = rest.split('\n');
  replaceFile(path, `${[shebang, block(command), ...lines].join('\n').trimEnd()}\n`, 0o755);
  chmodSync(path, 0o755);
  if (before === undefined) return 'new';
  return before.includes(BEGIN) ? 'renewed' : 'added';
}

/** @returns whether there was a block to take out */
export function uninstallHook(path: string): boolean {
  if (!existsSync(path)) return false;
  const before = readFileSync(path, 'utf8');
  if (!before.includes(BEGIN)) return false;
  replaceFile(path, withoutBlock(before), 0o755);
  chmodSync(path, 0o755);
  return true;
}

function withoutBlock(text: string): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) return text;
  return text.slice(0, from) + text.slice(to + END.length).replace(/^\n/, '');
}
