// A configuration decides where secrets go, and may be a program: another user's is not read.
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectConfig } from '../../lib/config/config.ts';
import { requireOwnFile } from '../../lib/config/own-file.ts';
import { loadJourneys } from '../../lib/monitoring/journeys/load-journeys.ts';
import { temporaryFolder } from '../support/vault.ts';

const STRANGER = 65_534;

function fileOf(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('a file that decides where secrets go', () => {
  const ownPath = () => fileOf(temporaryFolder(), 'keyturn.config.json', '{}');
  const owner = process.getuid?.() ?? 0;

  it('is read where it is the user’s own', () => {
    const path = ownPath();
    expect(() => requireOwnFile(path, { uid: owner, env: {} })).not.toThrow();
    expect(() => requireOwnFile(path, { uid: undefined, env: {} })).not.toThrow();
  });

  it.runIf(owner === 0)(
    'of another user is not read, unless that is said to be meant, or that user called sudo',
    () => {
      const path = ownPath();
      chownSync(path, STRANGER, STRANGER);
      expect(() => requireOwnFile(path, { uid: 1000, env: {} })).toThrow(/belongs to another user \(uid 65534\)/);
      expect(() => requireOwnFile(path, { uid: 0, env: {} })).toThrow(/another user/);
      expect(() => requireOwnFile(path, { uid: 0, env: { SUDO_UID: String(STRANGER) } })).not.toThrow();
      expect(() => requireOwnFile(path, { uid: 1000, env: { SUDO_UID: String(STRANGER) } })).toThrow(/another user/);
      expect(() => requireOwnFile(path, { uid: 1000, env: { KEYTURN_TRUST_CONFIG: '1' } })).not.toThrow();
    },
  );

  it.runIf(owner === 0)('and is a program is not run: a configuration, or a journey', async () => {
    const folder = temporaryFolder();
    const ran = 'globalThis.strangerRan = true; export default {};';
    chownSync(fileOf(folder, 'keyturn.config.ts', ran), STRANGER, STRANGER);
    expect(() => projectConfig(folder)).toThrow(expect.objectContaining({ code: 'KT_CONFIG_INVALID' }));
    mkdirSync(join(folder, 'journeys'));
    chownSync(fileOf(join(folder, 'journeys'), 'mine.ts', ran), STRANGER, STRANGER);
    await expect(loadJourneys(folder)).rejects.toMatchObject({ code: 'KT_CONFIG_INVALID' });
    expect('strangerRan' in globalThis).toBe(false);
  });
});

describe('a configuration in JSON', () => {
  it.each([
    ['an alias without its anchor', '{"a": *nobody}', 1],
    [
      'aliases that would fill the memory',
      `{\n"a": &a [1,1,1,1,1,1,1,1,1,1],\n"b": &b [${'*a,'.repeat(11)}1],\n"c": &c [${'*b,'.repeat(11)}1],\n"d": [${'*c,'.repeat(11)}1]\n}`,
      3,
    ],
  ])('with %s is refused with its line, and not with an error of the parser’s own', (_, text, line) => {
    const folder = temporaryFolder();
    const path = fileOf(folder, 'keyturn.config.json', text);
    expect(() => projectConfig(folder)).toThrow(`${path}, line ${line}: it is not JSON.`);
  });
});
