// Where the fuzzer's inputs are: `corpus/` has what reached something new, `found/` what once failed. Both are run by `npm test`.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const FUZZ = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(FUZZ);

export type Kind = 'corpus' | 'found';

export function targetNames(): string[] {
  return readdirSync(join(FUZZ, 'targets'))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort();
}

/** Every input that was kept, by its file's name. */
export function inputsOf(kind: Kind, target: string): [name: string, input: Buffer][] {
  const folder = join(FUZZ, kind, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(join(folder, name))]);
}

/** Named by its content: the same input is the same file, and two people's corpora merge. @returns the file's path */
export function keep(kind: Kind, target: string, input: Uint8Array): string {
  const folder = join(FUZZ, kind, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(path, input);
  return path;
}

/** Puts a smaller corpus that reaches as much in the place of the one before. */
export function replaceCorpus(target: string, inputs: readonly Uint8Array[]): void {
  rmSync(join(FUZZ, 'corpus', target), { recursive: true, force: true });
  for (const input of inputs) keep('corpus', target, input);
}
