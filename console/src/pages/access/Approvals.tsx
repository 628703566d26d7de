// What waits for a second person.
import { Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { api, body, once } from '../../api/client.ts';
import { approvals, whoami } from '../../api/queries.ts';
import { Ago, Empty, ErrorBox, State } from '../../parts/Parts.tsx';
import { words } from '../../words.ts';
import { stale } from './stale.ts';

export function Approvals() {
  const { data: me } = useSuspenseQuery(whoami);
  const { data } = useSuspenseQuery(approvals);
  const decide = useMutation({
    mutationFn: ({ id, decision }: { id: string; decision: 'approved' | 'refused' }) =>
      body(api.POST('/v1/approvals/{id}', { params: { path: { id } }, headers: once(), body: { decision } })),
    onSettled: () => stale('approvals'),
  });
  if (data.length === 0) {
    return (
      <Empty icon={IconChecklist} title={words.access.noApprovals}>
        {words.access.noApprovalsAbout}
      </Empty>
    );
  }
  return (
    <Stack>
      <ErrorBox error={decide.error} />
      {data.map((one) => (
        <Card key={one.id} padding="md">
          <Group justify="space-between">
            <div>
              <Text fw={600}>
                {words.access.asks(one.requestedBy, one.action, one.secret, `${one.project}/${one.environment}`)}
              </Text>
              <Text size="sm" c="dimmed">
                {one.reason || words.access.noReason} · <Ago at={one.requestedAt} />
              </Text>
            </div>
            {one.decision !== null ? (
              <State
                of={one.decision === 'approved' ? 'resolved' : 'denied'}
                label={words.access.decided(one.decision, one.decidedBy ?? '')}
              />
            ) : one.requestedBy === me.principal ? (
              <Text size="sm">{words.access.waitsForOther}</Text>
            ) : (
              <Group gap="xs">
                <Button size="xs" onClick={() => decide.mutate({ id: one.id, decision: 'approved' })}>
                  {words.access.approve}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  color="red"
                  onClick={() => decide.mutate({ id: one.id, decision: 'refused' })}
                >
                  {words.access.refuse}
                </Button>
              </Group>
            )}
          </Group>
        </Card>
      ))}
    </Stack>
  );
}
