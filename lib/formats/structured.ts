// JSON and YAML: an object of names and texts. A binary value is written, and read, as { "base64": "…" }.
import { isMap, isScalar, LineCounter, parseDocument, stringify } from 'yaml';
import { asUtf8 } from '../crypto/bytes.ts';
import type { NamedValue, ParsedText, TextEntry } from './entries.ts';
import type { Problem } from './problem.ts';

/** Reads JSON or YAML (JSON is YAML; one parser gives lines for both). */
export function parseStructured(text: string, kind: 'json' | 'yaml'): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    ...(kind === 'json' && { schema: 'json' }),
  });
  const problems: Problem[] = document.errors.map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    // The parser's own message may quote the text, and that may be a value.
    what: `is not ${kind === 'json' ? 'JSON' : 'YAML'} (${error.code})`,
  }));
  const entries: TextEntry[] = [];
  if (problems.length === 0 && !isMap(document.contents)) {
    problems.push({ line: 1, what: 'does not hold names and values' });
  }
  if (problems.length > 0 || !isMap(document.contents)) return { entries, problems, notes: [] };
  for (const { key, value } of document.contents.items) {
    const range = (isScalar(key) && key.range) || [0, 0, 0];
    const line = lines.linePos(range[0]).line;
    const name = isScalar(key) ? String(key.value) : '';
    const bytes = bytesOf(value);
    if (bytes) entries.push({ name, value: bytes, line });
    else problems.push({ line, what: `${name} is neither a text, a number, true or false, nor { base64 }` });
  }
  return { entries, problems, notes: [] };
}

function bytesOf(node: unknown): Buffer | undefined {
  if (isScalar(node)) {
    const { value, source } = node;
    if (typeof value === 'string') return Buffer.from(value, 'utf8');
    // As it was written: 1.10 is not 1.1, and a long number is not to be rounded.
    if (typeof value === 'number' || typeof value === 'boolean') return Buffer.from(source ?? String(value), 'utf8');
    return undefined;
  }
  if (!isMap(node) || node.items.length !== 1) return undefined;
  const encoded: unknown = node.get('base64');
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : undefined;
}

function plainValue(value: Buffer): string | { base64: string } {
  return asUtf8(value) ?? { base64: value.toString('base64') };
}

export function formatJson(values: readonly NamedValue[]): string {
  return `${JSON.stringify(Object.fromEntries(values.map((one) => [one.name, plainValue(one.value)])), undefined, 2)}\n`;
}

export function formatYaml(values: readonly NamedValue[]): string {
  // Quoted texts on one line, as in JSON: over several, the library loses spaces of lines that have nothing else (found by fuzzing).
  const options = { lineWidth: 0, doubleQuotedAsJSON: true };
  return stringify(Object.fromEntries(values.map((one) => [one.name, plainValue(one.value)])), options);
}
