// Lines for a POSIX shell: `export NAME='value'`, safe to give to `eval`.
import { asUtf8 } from '../crypto/bytes.ts';
import type { NamedValue } from './entries.ts';

/** @returns the text, and the names that a shell variable cannot have or whose values it cannot hold */
export function formatShell(values: readonly NamedValue[]): { text: string; left: string[] } {
  const left: string[] = [];
  let text = '';
  for (const { name, value } of values) {
    const plain = asUtf8(value);
    if (plain === undefined || plain.includes('\0') || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) left.push(name);
    else text += `export ${name}='${plain.replaceAll("'", `'\\''`)}'\n`;
  }
  return { text, left };
}
