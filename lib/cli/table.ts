// A plain table for terminals: columns as wide as their widest cell, cut to the terminal's width.
import { stripVTControlCharacters } from 'node:util';

function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Lines of a table; the head is the first. Cells may hold colours. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
