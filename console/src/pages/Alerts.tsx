// The inbox of alerts: what is wrong, in a sentence, what to do, and who deals with it.
import { Button, Card, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBellCheck } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, type Schema } from '../api/client.ts';
import { alerts, queryClient } from '../api/queries.ts';
import { FormFoot } from '../parts/FormFoot.tsx';
import { LinkButton } from '../parts/links.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Ago, Empty, ErrorBox, Loading, PageHead, State } from '../parts/Parts.tsx';
import { useMay } from '../parts/place.ts';
import { words } from '../words.ts';

type Alert = Schema['Alert'];

const DAY_MS = 24 * 60 * 60 * 1000;
const PAST_DAYS = 30;

export function Alerts() {
  const [shown, setShown] = useState('open');
  const [since] = useState(() => Date.now() - PAST_DAYS * DAY_MS);
  const found = useQuery(alerts(shown === 'all' ? since : undefined));
  const visible = (found.data ?? []).filter((one) => shown === 'all' || one.state === shown);
  return (
    <>
      <PageHead title={words.alerts.title} about={words.alerts.about}>
        <Select
          aria-label={words.fields.state}
          allowDeselect={false}
          data={[
            { value: 'open', label: words.alerts.open },
            { value: 'acknowledged', label: words.states.acknowledged ?? '' },
            { value: 'muted', label: words.states.muted ?? '' },
            { value: 'all', label: words.alerts.all(PAST_DAYS) },
          ]}
          value={shown}
          onChange={(state) => setShown(state ?? 'open')}
        />
      </PageHead>
      <ErrorBox error={found.error} />
      {found.isPending && <Loading />}
      {found.data && visible.length === 0 && (
        <Empty icon={IconBellCheck} title={shown === 'open' ? words.overview.quiet : words.alerts.none}>
          {words.alerts.noneAbout}
        </Empty>
      )}
      <Stack>
        {visible.map((one) => (
          <AlertCard key={one.id} alert={one} />
        ))}
      </Stack>
    </>
  );
}

function useHandle(alert: Alert) {
  return useMutation({
    mutationFn: async (what: 'acknowledge' | 'reopen') => {
      const params = { path: { id: alert.id } };
      return what === 'acknowledge'
        ? body(api.POST('/v1/alerts/{id}/acknowledge', { params, headers: once() }))
        : body(api.POST('/v1/alerts/{id}/reopen', { params, headers: once() }));
    },
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['alerts'] }),
  });
}

function AlertCard({ alert }: { alert: Alert }) {
  const may = useMay();
  const handle = useHandle(alert);
  const [muting, mute] = useDisclosure();
  const where = [alert.project, alert.environment].filter((one) => one !== null).join('/');
  return (
    <Card padding="md" component="article" aria-label={alert.what}>
      <Group justify="space-between" align="flex-start" gap="md">
        <div style={{ flex: '1 1 260px', minWidth: 0 }}>
          <Group gap="xs" mb={4}>
            <State of={alert.severity} />
            <State of={alert.state} />
            <Text size="sm" c="dimmed">
              {words.alerts.kinds[alert.kind] ?? alert.kind}
              {where && ` · ${where}`} · <Ago at={alert.openedAt} />
            </Text>
          </Group>
          <Text fw={600}>{alert.what}</Text>
          <Text size="sm" c="dimmed">
            {alert.mend}
          </Text>
          <Text size="xs" c="dimmed" mt={4}>
            {alert.acknowledgedBy && words.alerts.acknowledged(alert.acknowledgedBy)}
            {alert.mutedUntil !== null && words.alerts.muted(dateTimeText(alert.mutedUntil), alert.muteReason ?? '')}
          </Text>
          <ErrorBox error={handle.error} />
        </div>
        <Stack gap={6} style={{ flex: 'none' }}>
          {alert.secret && (
            <LinkButton
              size="xs"
              variant="default"
              to="/admin/secrets/$name"
              params={{ name: alert.secret }}
              search={{
                ...(alert.project && { project: alert.project }),
                ...(alert.environment && { env: alert.environment }),
              }}
            >
              {words.alerts.look}
            </LinkButton>
          )}
          {may('rotate') && alert.state === 'open' && (
            <>
              <Button size="xs" loading={handle.isPending} onClick={() => handle.mutate('acknowledge')}>
                {words.alerts.acknowledge}
              </Button>
              <Button size="xs" variant="subtle" onClick={mute.open}>
                {words.alerts.mute}
              </Button>
            </>
          )}
          {may('rotate') && (alert.state === 'acknowledged' || alert.state === 'muted') && (
            <Button size="xs" variant="default" loading={handle.isPending} onClick={() => handle.mutate('reopen')}>
              {words.alerts.reopen}
            </Button>
          )}
        </Stack>
      </Group>
      <Modal opened={muting} onClose={mute.close} title={words.alerts.muteTitle}>
        {muting && <MuteForm alert={alert} onClose={mute.close} />}
      </Modal>
    </Card>
  );
}

const MUTES = [1, 7, 30, 90] as const;

function MuteForm({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const [days, setDays] = useState<string | null>('7');
  const [reason, setReason] = useState('');
  const mute = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/alerts/{id}/mute', {
          params: { path: { id: alert.id } },
          headers: once(),
          body: { until: Date.now() + Number(days) * DAY_MS, reason },
        }),
      ),
    onSuccess: onClose,
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['alerts'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mute.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{alert.what}</Text>
        <Select
          label={words.alerts.muteFor}
          data={MUTES.map((one) => ({ value: String(one), label: words.monitoring.days(one) }))}
          value={days}
          onChange={setDays}
          allowDeselect={false}
        />
        <TextInput
          label={words.alerts.muteReason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={200}
          required
          data-autofocus
        />
        <ErrorBox error={mute.error} />
        <FormFoot submit={words.alerts.mute} pending={mute.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}
