// Where a secret is: destinations, services, and the last live check.
import { Button, Card, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { api, body, once } from '../../api/client.ts';
import { type Place, queryClient, uses } from '../../api/queries.ts';
import { Ago, ErrorBox, Loading, State } from '../../parts/Parts.tsx';
import { useMay } from '../../parts/place.ts';
import { words } from '../../words.ts';

export function Places({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const found = useQuery(uses(place, name));
  const push = useMutation({
    mutationFn: (destination: string) =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/destinations/{destination}/push', {
          params: { path: { ...place, destination } },
          headers: once(),
          body: { names: [name] },
        }),
      ),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['secrets'] }),
  });
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  const { destinations, services, lastCheck } = found.data;
  return (
    <Stack>
      {lastCheck && (
        <Card padding="md">
          <Group gap="sm">
            <State of={lastCheck.status} />
            <Text size="sm">{lastCheck.detail}</Text>
            <Text size="sm" c="dimmed">
              <Ago at={lastCheck.checkedAt} />
            </Text>
          </Group>
        </Card>
      )}
      {destinations.map((one) => (
        <Card key={one.id} padding="md">
          <Group justify="space-between">
            <div>
              <Text fw={600} size="sm">
                {one.title}
              </Text>
              <Text size="sm" c="dimmed">
                {words.secret.goesAs(one.as)} ·{' '}
                {one.version === null ? words.secret.notSent : words.secrets.versionOf(one.version)} · {one.state}
              </Text>
            </div>
            {may('rotate') && (
              <Button size="xs" variant="default" loading={push.isPending} onClick={() => push.mutate(one.id)}>
                {words.secret.sendAgain}
              </Button>
            )}
          </Group>
        </Card>
      ))}
      <ErrorBox error={push.error} />
      {services.length > 0 && <Text size="sm">{words.secret.services(services.join(', '))}</Text>}
      {destinations.length === 0 && services.length === 0 && <Text c="dimmed">{words.secret.noPlaces}</Text>}
    </Stack>
  );
}
