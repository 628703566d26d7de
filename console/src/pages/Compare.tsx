// Environments side by side: which names are where, and whether the values are the same. By fingerprint; nothing is opened.
import { Badge, Group, MultiSelect, SegmentedControl, Table, Text, TextInput } from '@mantine/core';
import { IconArrowsDiff, IconSearch } from '@tabler/icons-react';
import { useQueries, useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { allSecrets, projects } from '../api/queries.ts';
import { Empty, ErrorBox, Loading, PageHead } from '../parts/Parts.tsx';
import { usePlace } from '../parts/place.ts';
import { words } from '../words.ts';

/** More rows than these are not drawn: a search brings the rest. */
const MOST_ROWS = 500;

interface Cell {
  readonly version: number;
  readonly fingerprint: string;
}

export function Compare() {
  const place = usePlace();
  const { data } = useSuspenseQuery(projects);
  const all = data.find((one) => one.name === place.project)?.environments.map((one) => one.name) ?? [];
  const [chosen, setChosen] = useState(all.slice(0, 3));
  const [shown, setShown] = useState('differences');
  const [text, setText] = useState('');
  const queries = useQueries({
    queries: chosen.map((environment) => allSecrets({ project: place.project, environment })),
  });
  const error = queries.find((one) => one.error)?.error;
  const rows = tableOf(
    chosen,
    queries.map((one) => one.data ?? []),
  );
  const fitting = rows
    .filter((one) => one.name.includes(text.trim().toUpperCase()))
    .filter((one) => shown === 'all' || one.differs);
  return (
    <>
      <PageHead title={words.compare.title} about={words.compare.about} />
      <Group mb="md" align="flex-end">
        <MultiSelect label={words.compare.environments} data={all} value={chosen} onChange={setChosen} miw={260} />
        <TextInput
          aria-label={words.secrets.search}
          placeholder={words.secrets.search}
          leftSection={<IconSearch size={17} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex={1}
          miw={180}
        />
        <SegmentedControl
          aria-label={words.compare.shown}
          data={[
            { value: 'differences', label: words.compare.differences },
            { value: 'all', label: words.compare.all },
          ]}
          value={shown}
          onChange={setShown}
        />
      </Group>
      <ErrorBox error={error} />
      {queries.some((one) => one.isPending) ? (
        <Loading />
      ) : fitting.length === 0 ? (
        <Empty icon={IconArrowsDiff} title={rows.length === 0 ? words.compare.empty : words.compare.same} />
      ) : (
        <Table.ScrollContainer minWidth={220 + chosen.length * 150}>
          <Table verticalSpacing="xs" stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{words.fields.name}</Table.Th>
                {chosen.map((one) => (
                  <Table.Th key={one}>{one}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {fitting.slice(0, MOST_ROWS).map((row) => (
                <Table.Tr key={row.name}>
                  <Table.Td className="mono">{row.name}</Table.Td>
                  {chosen.map((environment) => (
                    <Table.Td key={environment}>
                      <CellView
                        name={row.name}
                        environment={environment}
                        cell={row.cells.get(environment)}
                        like={row.like}
                      />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {fitting.length > MOST_ROWS && (
        <Text size="sm" c="dimmed" mt="xs">
          {words.compare.more(fitting.length - MOST_ROWS)}
        </Text>
      )}
    </>
  );
}

interface Row {
  readonly name: string;
  readonly cells: ReadonlyMap<string, Cell>;
  /** By fingerprint, which value it is among those of the row: A, B, … */
  readonly like: ReadonlyMap<string, string>;
  readonly differs: boolean;
}

function tableOf(
  environments: readonly string[],
  secrets: readonly (readonly { name: string; version: number; fingerprint: string }[])[],
): Row[] {
  const rows = new Map<string, Map<string, Cell>>();
  for (const [index, environment] of environments.entries()) {
    for (const { name, version, fingerprint } of secrets[index] ?? []) {
      const key = name.toUpperCase();
      const cells = rows.get(key) ?? new Map<string, Cell>();
      rows.set(key, cells.set(environment, { version, fingerprint }));
    }
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cells]) => {
      const prints = [...new Set([...cells.values()].map((one) => one.fingerprint))];
      const like = new Map(prints.map((one, index) => [one, String.fromCharCode(65 + index)]));
      return { name, cells, like, differs: cells.size < environments.length || prints.length > 1 };
    });
}

function CellView(props: {
  name: string;
  environment: string;
  cell: Cell | undefined;
  like: ReadonlyMap<string, string>;
}) {
  const { name, environment, cell, like } = props;
  if (!cell) return <Badge color="orange">{words.compare.missing}</Badge>;
  return (
    <Group gap={6}>
      <Link to="/admin/secrets/$name" params={{ name }} search={(before) => ({ ...before, env: environment })}>
        {words.secrets.versionOf(cell.version)}
      </Link>
      {like.size > 1 && <Badge color="gray">{words.compare.value(like.get(cell.fingerprint) ?? '')}</Badge>}
    </Group>
  );
}
