// A table with a head: names of its columns, and room for what can be done at the end of each row. Scrolls by itself where it
// is wider than the page.
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { words } from '../words.ts';

interface Props {
  /** Least width, in pixels. */
  readonly width: number;
  readonly columns: readonly string[];
  /** Whether rows end with buttons. */
  readonly actions?: boolean;
  /** Its rows. */
  readonly children: ReactNode;
}

export function ListTable({ width, columns, actions, children }: Props) {
  return (
    <Table.ScrollContainer minWidth={width}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
            {actions && <Table.Th aria-label={words.secret.more} />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
