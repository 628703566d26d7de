// The rotations of a secret, state by state.
import { Card, Group, Stack, Text } from '@mantine/core';
import { IconCalendarRepeat } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type Place, rotations } from '../../api/queries.ts';
import { dateTimeText } from '../../parts/moments.ts';
import { Ago, Empty, ErrorBox, Loading } from '../../parts/Parts.tsx';
import { RotationSteps } from '../../parts/RotationSteps.tsx';
import { words } from '../../words.ts';

export function Turns({ place, name }: { place: Place; name: string }) {
  const found = useQuery(rotations(place));
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  const mine = found.data.filter((one) => one.name.toUpperCase() === name.toUpperCase());
  if (mine.length === 0) return <Empty icon={IconCalendarRepeat} title={words.secret.neverTurned} />;
  return (
    <Stack>
      {mine.map((one) => (
        <Card key={one.id} padding="md">
          <Group justify="space-between" mb={8}>
            <Text size="sm" fw={600}>
              {words.rotations.versions(one.fromVersion, one.toVersion)}
            </Text>
            <Text size="sm" c="dimmed">
              {words.rotations.begun(one.startedBy)} <Ago at={one.startedAt} />
            </Text>
          </Group>
          <RotationSteps state={one.state} />
          {one.graceUntil !== null && one.state === 'grace' && (
            <Text size="xs" c="dimmed" mt={6}>
              {words.rotations.graceUntil(dateTimeText(one.graceUntil))}
            </Text>
          )}
          {one.error && (
            <Text size="sm" c="red" mt={6}>
              {one.error}
            </Text>
          )}
        </Card>
      ))}
    </Stack>
  );
}
