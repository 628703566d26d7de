// Reading YAML (and JSON, which is YAML) that people wrote, with the line of everything in it.
import { type Document, LineCounter, parseDocument, visit } from 'yaml';

export interface YamlText {
  readonly value: unknown;
  /** The line of what a path leads to, or of the nearest thing around it; counted from 1. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/**
 * Reads a text.
 * @returns what it holds; or, where it cannot be read, the line where that shows. The parser's own messages may quote the text.
 */
export function readYaml(text: string): YamlText | { readonly brokenAt: number } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, logLevel: 'error' });
  const broken = document.errors[0];
  if (broken) return { brokenAt: lines.linePos(broken.pos[0]).line };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  try {
    return { value: document.toJS(), lineOf };
  } catch (error) {
    // An alias (`*name`) without its anchor, or so many that they would fill the memory.
    if (!(error instanceof ReferenceError)) throw error;
    return { brokenAt: lines.linePos(firstAlias(document)).line };
  }
}

/** Where the first alias that leads nowhere stands; the first of all where each leads somewhere. */
function firstAlias(document: Document): number {
  const places: { at: number; lost: boolean }[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      places.push({ at: alias.range?.[0] ?? 0, lost: alias.resolve(document) === undefined });
    },
  });
  return (places.find((one) => one.lost) ?? places[0])?.at ?? 0;
}
