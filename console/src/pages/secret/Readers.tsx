// Who reads a secret, by the audit log.
import { Table, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, body } from '../../api/client.ts';
import type { Place } from '../../api/queries.ts';
import { ListTable } from '../../parts/ListTable.tsx';
import { Ago, Empty, ErrorBox, Loading } from '../../parts/Parts.tsx';
import { useMay } from '../../parts/place.ts';
import { words } from '../../words.ts';

/** From the audit log, for who may read it: everybody who has read the secret lately, and how often. */
export function Readers({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const found = useQuery({
    queryKey: ['readers', place, name],
    queryFn: () =>
      body(
        api.GET('/v1/audit', {
          params: { query: { ...place, secret: name, action: 'secret.read', limit: 500 } },
        }),
      ),
    enabled: may('audit'),
  });
  if (!may('audit')) return <Text c="dimmed">{words.secret.readersNot}</Text>;
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  const by = Map.groupBy(found.data.entries, (one) => `${one.principal}\n${one.source}`);
  if (by.size === 0) return <Empty icon={IconEye} title={words.secret.neverRead} />;
  return (
    <ListTable width={520} columns={words.secret.readerColumns}>
      {[...by].map(([key, entries]) => (
        <Table.Tr key={key}>
          <Table.Td>{entries[0]?.principal}</Table.Td>
          <Table.Td className="mono">{entries[0]?.source}</Table.Td>
          <Table.Td>{entries.filter((one) => one.outcome === 'ok').length}</Table.Td>
          <Table.Td>{entries.filter((one) => one.outcome !== 'ok').length}</Table.Td>
          <Table.Td>
            <Ago at={entries[0]?.time} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
