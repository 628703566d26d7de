// Every text of the console is in its catalogue (console/src/words.ts): none is written into a page.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const SOURCES = join(import.meta.dirname, '..', '..', 'console', 'src');
/** Attributes that people read or hear. */
const READ = new Set(['label', 'title', 'placeholder', 'description', 'aria-label', 'alt', 'about', 'legend']);

function textsOf(text: string): string[] {
  const source = ts.createSourceFile('x.tsx', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && /\p{L}{2}/u.test(node.text)) found.push(node.text.trim());
    if (ts.isJsxAttribute(node) && READ.has(node.name.getText()) && node.initializer) {
      if (ts.isStringLiteral(node.initializer)) found.push(node.initializer.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

it('no text is written into a page of the console', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.tsx'));
  expect(files.length).toBeGreaterThan(30);
  const found = files
    .map((file) => [file, textsOf(readFileSync(join(SOURCES, file), 'utf8'))] as const)
    .filter(([, texts]) => texts.length > 0);
  expect(Object.fromEntries(found)).toEqual({});
});

it('the search finds a text and an attribute where there is one', () => {
  expect(textsOf('<a title="Read me">Hello {name}</a>')).toEqual(['Read me', 'Hello']);
});
