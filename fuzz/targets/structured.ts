// JSON and YAML to import: read or refused, never with an error of the parser's own, and what is read can be written.
import { formatDotenv } from '../../lib/formats/dotenv.ts';
import { formatShell } from '../../lib/formats/shell.ts';
import { formatJson, parseStructured } from '../../lib/formats/structured.ts';
import { answers, type FuzzTarget, holds } from '../target.ts';

const SEEDS = [
  '{"A": "one", "B": 1.10, "C": true, "D": {"base64": "AAEC"}}',
  'A: one\nB: |\n  two\n  lines\nC: &anchor value\nD: *anchor\nE: {base64: AAEC}\n"F G": null\n',
];

export const target: FuzzTarget = {
  name: 'structured',
  seeds: () => SEEDS.map((one) => Buffer.from(one)),
  run: (input) => {
    const text = input.toString('utf8');
    for (const kind of ['json', 'yaml'] as const) {
      const read = answers(() => parseStructured(text, kind));
      if (!read || read.problems.length > 0) continue;
      formatDotenv(read.entries);
      formatShell(read.entries);
      const again = parseStructured(formatJson(read.entries), 'json');
      const plain = read.entries.every(({ name }) => name !== '__proto__');
      if (plain) holds(again.problems.length === 0, 'what was read can be written as JSON');
    }
  },
};
