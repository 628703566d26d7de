// Every version of a secret; an earlier value comes back as a new one.
import { Button, Group, Table } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { history, type Place } from '../../api/queries.ts';
import { Confirm } from '../../parts/Confirm.tsx';
import { ListTable } from '../../parts/ListTable.tsx';
import { Ago, ErrorBox, Loading, State } from '../../parts/Parts.tsx';
import { useMay } from '../../parts/place.ts';
import { useRollback } from '../../parts/Rotate.tsx';
import { words } from '../../words.ts';

export function History(props: { place: Place; name: string; deleted: boolean; onReveal: (version: number) => void }) {
  const { place, name, onReveal } = props;
  const may = useMay();
  const found = useQuery(history(place, name));
  const rollback = useRollback(place, name);
  const [wanted, setWanted] = useState<number>();
  const done = (version: number) =>
    rollback.mutate(version, {
      onSuccess: (result) => {
        notifications.show({ message: words.secret.rolledBack(version, result.version), color: 'green' });
        setWanted(undefined);
      },
    });
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  return (
    <>
      <ListTable width={640} columns={words.secret.historyColumns} actions>
        {found.data.versions.map((one) => (
          <Table.Tr key={one.number}>
            <Table.Td>{one.number}</Table.Td>
            <Table.Td>
              <State of={one.state} />
            </Table.Td>
            <Table.Td>
              <Ago at={one.createdAt} />
            </Table.Td>
            <Table.Td>{one.createdBy}</Table.Td>
            <Table.Td>{words.origins[one.origin] ?? one.origin}</Table.Td>
            <Table.Td className="mono">{one.fingerprint.slice(0, 12)}</Table.Td>
            <Table.Td>
              <Group gap={4} justify="flex-end" wrap="nowrap">
                {may('read') && (
                  <Button size="compact-sm" variant="subtle" onClick={() => onReveal(one.number)}>
                    {words.secret.reveal}
                  </Button>
                )}
                {may('rotate') && one.state !== 'current' && !props.deleted && (
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    leftSection={<IconArrowBackUp size={14} />}
                    onClick={() => setWanted(one.number)}
                  >
                    {words.secret.bringBack}
                  </Button>
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
      <Confirm
        opened={wanted !== undefined}
        title={words.secret.bringBackTitle(wanted ?? 0)}
        about={words.secret.bringBackAbout}
        submit={words.secret.bringBack}
        pending={rollback.isPending}
        error={rollback.error}
        onConfirm={() => wanted !== undefined && done(wanted)}
        onClose={() => setWanted(undefined)}
      />
    </>
  );
}
