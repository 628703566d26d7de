// The table of secrets, however many there are: only the rows in sight are drawn, and only the pages around them fetched.
// Rows are plain elements: a hundred thousand of them scroll smoothly.
import { Text } from '@mantine/core';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useRef } from 'react';
import { PAGE_ROWS, type Place, type Search, secretsPage } from '../api/queries.ts';
import { words } from '../words.ts';
import { ago, agoOrNever } from './format.ts';
import { dateText } from './moments.ts';
import { ErrorBox, Loading, tone } from './Parts.tsx';

const ROW_PX = 46;
const MOST_PX = 640;
const OVERSCAN = 8;
/** Pages are fetched once scrolling has stayed with them so long (ms). */
const SETTLED_MS = 60;

const WIDE = 'minmax(220px, 2.4fr) 1.1fr 70px 1.1fr 1.2fr 1fr 1.2fr';
const NARROW = 'minmax(0, 1fr) auto';

type Row = NonNullable<ReturnType<typeof useRows>['rowAt'] extends (index: number) => infer R ? R : never>;

function useRows(place: Place, search: Search, pages: readonly number[]) {
  const first = useQuery(secretsPage(place, search, 0));
  const rest = useQueries({
    queries: pages.filter((page) => page > 0).map((page) => secretsPage(place, search, page)),
  });
  const loaded = new Map(pages.filter((page) => page > 0).map((page, index) => [page, rest[index]?.data]));
  const rowAt = (index: number) => {
    const page = Math.floor(index / PAGE_ROWS);
    const data = page === 0 ? first.data : loaded.get(page);
    return data?.secrets[index % PAGE_ROWS];
  };
  return { first, total: first.data?.total ?? 0, rowAt };
}

export function SecretTable({ place, search, empty }: { place: Place; search: Search; empty: ReactNode }) {
  const scroll = useRef<HTMLDivElement>(null);
  const wide = useMediaQuery('(min-width: 62em)', true);
  const total = useQuery(secretsPage(place, search, 0)).data?.total ?? 0;
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const from = Math.floor((items[0]?.index ?? 0) / PAGE_ROWS);
  const to = Math.floor((items.at(-1)?.index ?? 0) / PAGE_ROWS);
  const [pages] = useDebouncedValue(`${from} ${to}`, SETTLED_MS);
  const [low = 0, high = 0] = pages.split(' ').map(Number);
  const { first, rowAt } = useRows(
    place,
    search,
    Array.from({ length: high - low + 1 }, (_, index) => low + index),
  );
  if (first.error) return <ErrorBox error={first.error} />;
  if (first.isPending) return <Loading rows={8} />;
  if (total === 0) return empty;
  const columns = wide ? WIDE : NARROW;
  return (
    <div className="grid-table" role="table" aria-rowcount={total + 1} aria-label={words.secrets.title}>
      {wide && <Head columns={columns} />}
      <div
        ref={scroll}
        className="grid-scroll"
        role="rowgroup"
        tabIndex={0}
        style={{ height: Math.min(MOST_PX, total * ROW_PX + 1) }}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => (
            <SecretRow key={index} index={index} start={start} row={rowAt(index)} wide={wide} columns={columns} />
          ))}
        </div>
      </div>
      <Text size="xs" c="dimmed" px={14} py={8}>
        {words.secrets.count(total)}
      </Text>
    </div>
  );
}

function Head({ columns }: { columns: string }) {
  const { columns: names } = words.secrets;
  return (
    <div role="rowgroup">
      <div className="grid-head" role="row" style={{ gridTemplateColumns: columns }} aria-rowindex={1}>
        {names.map((name) => (
          <div key={name} role="columnheader">
            {name}
          </div>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  readonly index: number;
  readonly start: number;
  readonly row: Row | undefined;
  readonly wide: boolean;
  readonly columns: string;
}

const SecretRow = memo(function SecretRow({ index, start, row, wide, columns }: RowProps) {
  const style = { height: ROW_PX, transform: `translateY(${start}px)`, gridTemplateColumns: columns };
  return (
    <div className="grid-row" role="row" aria-rowindex={index + 2} style={style}>
      {row ? wide ? <WideCells row={row} /> : <NarrowCells row={row} /> : <div role="cell">{words.loadingRow}</div>}
    </div>
  );
});

function Name({ row }: { row: Row }) {
  return (
    <Link to="/admin/secrets/$name" params={{ name: row.name }} className="mono" preload={false}>
      {row.name}
    </Link>
  );
}

function stateOf(row: Row): string {
  if (row.deletedAt !== null) return 'deleted';
  if ((row.previousValidUntil ?? 0) > Date.now()) return 'grace';
  return row.age;
}

function WideCells({ row }: { row: Row }) {
  const state = stateOf(row);
  return (
    <>
      <div role="cell">
        <Name row={row} />
      </div>
      <div role="cell">{words.types[row.type] ?? row.type}</div>
      <div role="cell">{row.version}</div>
      <div role="cell">
        <span className="dot" style={{ background: tone(state) }} />
        {words.states[state] ?? state}
      </div>
      <div role="cell" title={row.dueAt === null ? undefined : dateText(row.dueAt)}>
        {row.dueAt === null ? words.none : ago(row.dueAt)}
      </div>
      <div role="cell">{row.owner ?? words.none}</div>
      <div role="cell">{agoOrNever(row.lastReadAt)}</div>
    </>
  );
}

function NarrowCells({ row }: { row: Row }) {
  const state = stateOf(row);
  return (
    <>
      <div role="cell">
        <Name row={row} />
      </div>
      <div role="cell">
        <span className="dot" style={{ background: tone(state) }} />
        {words.states[state] ?? state}
      </div>
    </>
  );
}
