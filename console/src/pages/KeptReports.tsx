// The signed reports: those that were made, to be taken away in any format, and new ones.
import { Anchor, Button, Group, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { api, body, once } from '../api/client.ts';
import { keptReports, queryClient } from '../api/queries.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { Ago, ErrorBox, Loading } from '../parts/Parts.tsx';
import { useMay } from '../parts/place.ts';
import { words } from '../words.ts';

const KINDS = ['daily', 'weekly', 'monthly'] as const;
const FORMATS = ['html', 'json', 'csv', 'md'] as const;

export function KeptReports() {
  const may = useMay();
  const found = useQuery(keptReports);
  const make = useMutation({
    mutationFn: (kind: (typeof KINDS)[number]) => body(api.POST('/v1/reports', { headers: once(), body: { kind } })),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: keptReports.queryKey }),
  });
  if (found.error) return <ErrorBox error={found.error} />;
  if (!found.data) return <Loading />;
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{words.reports.kept}</Title>
        {may('audit', 'vault') && (
          <Group gap="xs">
            {KINDS.map((kind) => (
              <Button key={kind} variant="default" size="xs" loading={make.isPending} onClick={() => make.mutate(kind)}>
                {words.reports.make[kind]}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      <Text c="dimmed" mb="sm">
        {words.reports.keptAbout}
      </Text>
      {make.error && <ErrorBox error={make.error} />}
      {found.data.length === 0 ? (
        <Text>{words.reports.keptNone}</Text>
      ) : (
        <ListTable width={640} columns={words.reports.keptColumns}>
          {found.data.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>
                {words.reports.kindOf[one.kind]} {one.period}
              </Table.Td>
              <Table.Td>
                <Ago at={one.createdAt} />
              </Table.Td>
              <Table.Td>{one.headline}</Table.Td>
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  {FORMATS.map((format) => (
                    <Anchor
                      key={format}
                      href={`/v1/reports/${encodeURIComponent(one.id)}?format=${format}`}
                      download
                      aria-label={words.reports.file(format, one.id)}
                    >
                      {format}
                    </Anchor>
                  ))}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}
