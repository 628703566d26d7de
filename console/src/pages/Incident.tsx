// One incident: the guide's emergency procedure as steps that do the thing, what has to turn, and the timeline.
import { Breadcrumbs, Button, Card, Group, Stack, Text, Textarea, ThemeIcon, Timeline, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconCircleDashed, IconHandClick } from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import { api, body, once, type Schema } from '../api/client.ts';
import { incident, type Place, queryClient, rotations, uses } from '../api/queries.ts';
import { LinkAnchor, LinkButton } from '../parts/links.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Ago, ErrorBox, PageHead, State } from '../parts/Parts.tsx';
import { useMay } from '../parts/place.ts';
import { RotateModal, useRollback } from '../parts/Rotate.tsx';
import { words } from '../words.ts';

type Whole = Schema['Incident'];

const stale = () => void queryClient.invalidateQueries();

export function IncidentPage() {
  const { id = '' } = useParams({ strict: false });
  const { data } = useSuspenseQuery(incident(id));
  return (
    <>
      <PageHead
        title={data.title}
        above={
          <Breadcrumbs mb={4}>
            <LinkAnchor to="/admin/incidents" size="sm">
              {words.incidents.title}
            </LinkAnchor>
            <Text size="sm">{data.id}</Text>
          </Breadcrumbs>
        }
        about={
          <>
            {words.rotations.begun(data.openedBy)} {dateTimeText(data.openedAt)}
          </>
        }
      >
        <State
          of={data.closedAt === null ? 'open' : 'resolved'}
          label={data.closedAt === null ? words.incidents.open : words.incidents.closed}
        />
      </PageHead>
      <Group align="flex-start" gap="xl">
        <Stack flex="2 1 420px" miw={0}>
          {data.kind === 'rotation' ? <RotationProcedure whole={data} /> : <CompromiseProcedure whole={data} />}
          {data.kind === 'destination' && <GoOn whole={data} />}
          <Notes whole={data} />
        </Stack>
        <Card component="section" flex="1 1 300px" miw={0}>
          <Title order={2} mb="md">
            {words.incidents.timeline}
          </Title>
          <Timeline bulletSize={16} lineWidth={2} active={data.timeline.length}>
            {data.timeline.map((one) => (
              <Timeline.Item key={`${one.at} ${one.what}`} title={<Text size="sm">{one.what}</Text>}>
                <Text size="xs" c="dimmed">
                  {one.by} · <Ago at={one.at} />
                </Text>
              </Timeline.Item>
            ))}
          </Timeline>
        </Card>
      </Group>
    </>
  );
}

/** One step of a procedure: done by what is known, or by what its button does. */
function Step(props: { number: number; title: string; about: string; done: boolean; children?: ReactNode }) {
  const { number, title, about, done, children } = props;
  return (
    <Card padding="md" component="li" aria-label={title}>
      <Group align="flex-start" wrap="nowrap">
        <ThemeIcon
          variant="light"
          color={done ? 'green' : 'gray'}
          radius="xl"
          aria-label={done ? words.rotations.done : words.incidents.toDo}
        >
          {done ? <IconCheck size={16} /> : <IconCircleDashed size={16} />}
        </ThemeIcon>
        <div style={{ flex: 1, minWidth: 0 }}>
          <Text fw={600}>
            {number}. {title}
          </Text>
          <Text size="sm" c="dimmed" mb={children ? 'sm' : 0}>
            {about}
          </Text>
          {children}
        </div>
      </Group>
    </Card>
  );
}

function Steps({ children }: { children: ReactNode }) {
  return (
    <Stack component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
      {children}
    </Stack>
  );
}

function placeOf(item: { project: string; environment: string }): Place {
  return { project: item.project, environment: item.environment };
}

type Item = Pick<Whole['items'][number], 'name' | 'project' | 'environment' | 'state' | 'why'>;

/** What has to turn: a place's secrets are written into its incident; of one secret, its own rotations tell. */
function useItems(whole: Whole): readonly Item[] {
  const { project, environment, subject } = whole;
  const single = whole.items.length === 0 && subject !== null && project !== null && environment !== null;
  const place = { project: project ?? '', environment: environment ?? '' };
  const found = useQuery({ ...rotations(place), enabled: single });
  if (!single) return whole.items;
  const last = found.data?.find((one) => one.name === subject && one.updatedAt >= whole.openedAt);
  const done = last?.state === 'grace' || last?.state === 'revoked';
  const state = done ? 'done' : last?.needsValue || last === undefined ? 'needs-person' : 'turning';
  return [{ ...place, name: subject, state, why: last?.error ?? '' }];
}

/** The guide: rotate, revoke everywhere, look through the logs, update what depends on it, notify. */
function CompromiseProcedure({ whole }: { whole: Whole }) {
  const { steps } = words.incidents;
  const items = useItems(whole);
  const turned = items.length > 0 && items.every((one) => one.state === 'done' || one.state === 'skipped');
  const said = (text: string) => whole.timeline.some((one) => one.what.includes(text));
  const first = items[0];
  return (
    <Steps>
      <Step number={1} title={steps.rotate.title} about={steps.rotate.about} done={turned}>
        <Items items={items} />
      </Step>
      <Step number={2} title={steps.revoke.title} about={steps.revoke.about} done={turned}>
        <Group>{first && <SendAgain place={placeOf(first)} name={first.name} />}</Group>
      </Step>
      <Step number={3} title={steps.logs.title} about={steps.logs.about} done={said(words.incidents.checked.logs)}>
        <Group>
          {items.slice(0, 5).map((one) => (
            <LinkButton
              key={`${one.environment} ${one.name}`}
              size="xs"
              variant="default"
              to="/admin/audit"
              search={{ secret: one.name, action: 'secret' }}
            >
              {words.incidents.logOf(one.name)}
            </LinkButton>
          ))}
          <Tick whole={whole} what={words.incidents.checked.logs} />
        </Group>
      </Step>
      <Step
        number={4}
        title={steps.dependents.title}
        about={steps.dependents.about}
        done={said(words.incidents.checked.dependents)}
      >
        {first && <Dependents place={placeOf(first)} name={first.name} />}
        <Tick whole={whole} what={words.incidents.checked.dependents} />
      </Step>
      <Step
        number={5}
        title={steps.notify.title}
        about={steps.notify.about}
        done={said(words.incidents.checked.notified)}
      >
        <Group>
          <LinkButton size="xs" variant="default" to="/admin/alerts">
            {words.menu.alerts}
          </LinkButton>
          <Tick whole={whole} what={words.incidents.checked.notified} />
        </Group>
      </Step>
    </Steps>
  );
}

/** The guide: backups, the new value's form, a try elsewhere, roll back, the cause. */
function RotationProcedure({ whole }: { whole: Whole }) {
  const { failure } = words.incidents;
  const said = (text: string) => whole.timeline.some((one) => one.what.includes(text));
  const item = whole.items[0];
  const name = item?.name ?? whole.subject ?? '';
  const place = item ? placeOf(item) : { project: whole.project ?? '', environment: whole.environment ?? '' };
  return (
    <Steps>
      <Step
        number={1}
        title={failure.backups.title}
        about={failure.backups.about}
        done={said(words.incidents.checked.backups)}
      >
        <Group>
          <LinkButton size="xs" variant="default" to="/admin/settings/vault">
            {words.vault.backups}
          </LinkButton>
          <Tick whole={whole} what={words.incidents.checked.backups} />
        </Group>
      </Step>
      <Step
        number={2}
        title={failure.format.title}
        about={failure.format.about}
        done={said(words.incidents.checked.format)}
      >
        <Group>
          <CheckNow place={place} name={name} />
          <Tick whole={whole} what={words.incidents.checked.format} />
        </Group>
      </Step>
      <Step
        number={3}
        title={failure.staging.title}
        about={failure.staging.about}
        done={said(words.incidents.checked.staging)}
      >
        <Tick whole={whole} what={words.incidents.checked.staging} />
      </Step>
      <Step
        number={4}
        title={failure.rollback.title}
        about={failure.rollback.about}
        done={said(words.incidents.checked.rollback)}
      >
        <Group>
          <RollBackNow place={place} name={name} />
          <Tick whole={whole} what={words.incidents.checked.rollback} />
        </Group>
      </Step>
      <Step number={5} title={failure.cause.title} about={failure.cause.about} done={whole.closedAt !== null} />
    </Steps>
  );
}

/** Writes into the timeline that a step was done: that is what makes it done for everybody. */
function Tick({ whole, what }: { whole: Whole; what: string }) {
  const may = useMay();
  const note = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/incidents/{id}/notes', { params: { path: { id: whole.id } }, headers: once(), body: { what } }),
      ),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['incidents'] }),
  });
  if (whole.closedAt !== null || whole.timeline.some((one) => one.what === what) || !may('rotate')) return null;
  return (
    <>
      <Button size="xs" loading={note.isPending} leftSection={<IconCheck size={15} />} onClick={() => note.mutate()}>
        {words.incidents.tick}
      </Button>
      <ErrorBox error={note.error} />
    </>
  );
}

function Items({ items }: { items: readonly Item[] }) {
  const may = useMay();
  return (
    <Stack gap="xs">
      {items.map((one) => (
        <Group key={`${one.environment} ${one.name}`} justify="space-between" wrap="nowrap">
          <div>
            <Text size="sm" className="mono">
              {one.environment}/{one.name}
            </Text>
            <Text size="xs" c="dimmed">
              {one.why}
            </Text>
          </div>
          <Group gap="xs" wrap="nowrap">
            <State
              of={one.state === 'done' ? 'resolved' : 'open'}
              label={words.incidents.items[one.state] ?? one.state}
            />
            {one.state === 'needs-person' && may('rotate') && <Give place={placeOf(one)} name={one.name} />}
          </Group>
        </Group>
      ))}
    </Stack>
  );
}

function Give({ place, name }: { place: Place; name: string }) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button size="xs" leftSection={<IconHandClick size={15} />} onClick={open}>
        {words.rotations.give}
      </Button>
      <RotateModal place={place} name={name} opened={opened} onClose={close} />
    </>
  );
}

function SendAgain({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const found = useQuery(uses(place, name));
  const send = useMutation({
    mutationFn: async () => {
      for (const { id } of found.data?.destinations ?? []) {
        await body(
          api.POST('/v1/projects/{project}/environments/{environment}/destinations/{destination}/push', {
            params: { path: { ...place, destination: id } },
            headers: once(),
            body: { names: [name] },
          }),
        );
      }
    },
    onSuccess: () => notifications.show({ message: words.incidents.sent, color: 'green' }),
    onSettled: stale,
  });
  if (!may('rotate') || (found.data?.destinations.length ?? 0) === 0) return null;
  return (
    <>
      <Button size="xs" variant="default" loading={send.isPending} onClick={() => send.mutate()}>
        {words.incidents.sendEverywhere}
      </Button>
      <ErrorBox error={send.error} />
    </>
  );
}

function Dependents({ place, name }: { place: Place; name: string }) {
  const found = useQuery(uses(place, name));
  const all = [
    ...(found.data?.destinations.map((one) => `${one.title}: ${one.state}`) ?? []),
    ...(found.data?.services ?? []),
  ];
  return (
    <Text size="sm" mb="sm">
      {all.length === 0 ? words.secret.noPlaces : all.join(' · ')}
    </Text>
  );
}

function CheckNow({ place, name }: { place: Place; name: string }) {
  const check = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/check', {
          params: { path: { ...place, name } },
        }),
      ),
  });
  return (
    <>
      <Button size="xs" variant="default" loading={check.isPending} onClick={() => check.mutate()}>
        {words.integrations.validate}
      </Button>
      {check.data && (
        <Text size="sm">
          {words.states[check.data.status] ?? check.data.status}: {check.data.detail}
        </Text>
      )}
      <ErrorBox error={check.error} />
    </>
  );
}

function RollBackNow({ place, name }: { place: Place; name: string }) {
  const rollback = useRollback(place, name);
  return (
    <>
      <Button size="xs" variant="default" loading={rollback.isPending} onClick={() => rollback.mutate(undefined)}>
        {words.rotations.rollBack}
      </Button>
      {rollback.data && <Text size="sm">{words.rotations.rolledBack(name, rollback.data.version)}</Text>}
      <ErrorBox error={rollback.error} />
    </>
  );
}

/** A whole place: what can be turned is turned in order; repeated, it goes on where it stopped. */
function GoOn({ whole }: { whole: Whole }) {
  const may = useMay();
  const go = useMutation({
    mutationFn: (destination: string) =>
      body(
        api.POST('/v1/destinations/{destination}/compromise', { params: { path: { destination } }, headers: once() }),
      ),
    onSettled: stale,
  });
  const { subject } = whole;
  if (whole.closedAt !== null || subject === null || !may('rotate')) return null;
  return (
    <>
      <Button w="fit-content" loading={go.isPending} onClick={() => go.mutate(subject)}>
        {words.incidents.goOnAll}
      </Button>
      <ErrorBox error={go.error} />
    </>
  );
}

function Notes({ whole }: { whole: Whole }) {
  const may = useMay();
  const [text, setText] = useState('');
  const write = useMutation({
    mutationFn: (close: boolean) => {
      const params = { path: { id: whole.id } };
      return close
        ? body(api.POST('/v1/incidents/{id}/close', { params, headers: once(), body: { why: text } }))
        : body(api.POST('/v1/incidents/{id}/notes', { params, headers: once(), body: { what: text } }));
    },
    onSuccess: () => setText(''),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['incidents'] }),
  });
  if (whole.closedAt !== null || !may('rotate')) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate(false);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Textarea
          label={words.incidents.note}
          description={words.incidents.noteAbout}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          maxLength={1000}
          autosize
          minRows={2}
        />
        <ErrorBox error={write.error} />
        <Group>
          <Button type="submit" variant="default" disabled={text.trim() === ''} loading={write.isPending}>
            {words.incidents.addNote}
          </Button>
          <Button disabled={text.trim() === ''} loading={write.isPending} onClick={() => write.mutate(true)}>
            {words.incidents.close}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
