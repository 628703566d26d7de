// The first page: what needs somebody now, and how the environment stands.
import { Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheck, IconFileImport, IconKey } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { Suspense } from 'react';
import { alerts, approvals, integrations, nextTurns, type Place, rotations, secretsPage } from '../api/queries.ts';
import { count } from '../parts/format.ts';
import { LinkButton, LinkCard } from '../parts/links.tsx';
import { Ago, Empty, ErrorBox, Loading, PageHead, State, tone } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { RotationSteps } from '../parts/RotationSteps.tsx';
import { words } from '../words.ts';

const SHOWN = 6;
const ALL = { text: '', type: '', state: 'any' } as const;

export function Overview() {
  const place = usePlace();
  const may = useMay();
  const { data } = useSuspenseQuery(secretsPage(place, ALL, 0));
  if ((data.total ?? 0) === 0) {
    return (
      <>
        <PageHead title={words.overview.title(place.environment)} />
        <Empty
          icon={IconKey}
          title={words.secrets.emptyTitle(place.environment)}
          action={
            may('write') && (
              <Group>
                <LinkButton to="/admin/welcome" leftSection={<IconFileImport size={18} />}>
                  {words.overview.begin}
                </LinkButton>
                <LinkButton variant="default" to="/admin/secrets">
                  {words.secrets.add}
                </LinkButton>
              </Group>
            )
          }
        >
          {words.secrets.emptyAbout}
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title={words.overview.title(place.environment)} about={words.overview.about} />
      <Numbers total={data.total ?? 0} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" mt="lg">
        <OpenAlerts />
        <Suspense fallback={<Loading />}>
          <Coming />
        </Suspense>
        <Suspense fallback={<Loading />}>
          <Connections />
        </Suspense>
        <Suspense fallback={<Loading />}>
          <Moving />
        </Suspense>
      </SimpleGrid>
    </>
  );
}

function Numbers({ total }: { total: number }) {
  const place = usePlace();
  const overdue = useQuery(secretsPage(place, { ...ALL, state: 'overdue' }, 0));
  const soon = useQuery(secretsPage(place, { ...ALL, state: 'due soon' }, 0));
  const open = useQuery(alerts());
  const asked = useQuery(approvals);
  const urgent = open.data
    ?.filter((one) => one.state === 'open' && isHere(one, place))
    .filter((one) => ['critical', 'high'].includes(one.severity)).length;
  const waiting = asked.data?.filter((one) => one.decision === null).length;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <NumberCard label={words.overview.secrets} value={total} to="/admin/secrets" />
      <NumberCard
        label={words.overview.overdue}
        value={overdue.data?.total ?? undefined}
        to="/admin/secrets"
        search={{ state: 'overdue' }}
        bad
        more={words.overview.soon(soon.data?.total ?? 0)}
      />
      <NumberCard label={words.overview.urgent} value={urgent} to="/admin/alerts" bad />
      <NumberCard label={words.overview.waiting} value={waiting} to="/admin/access" bad />
    </SimpleGrid>
  );
}

function NumberCard(props: {
  label: string;
  value: number | undefined;
  to: '/admin/secrets' | '/admin/alerts' | '/admin/access';
  search?: { state: string };
  bad?: boolean;
  more?: string;
}) {
  const { label, value, to, search, bad, more } = props;
  const color = value === undefined ? undefined : bad && value > 0 ? 'var(--mantine-color-error)' : undefined;
  return (
    <LinkCard to={to} {...(search && { search })} padding="md" style={{ textDecoration: 'none' }}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={28} fw={700} lh={1.2} style={{ color }}>
        {value === undefined ? words.none : count(value)}
      </Text>
      {more && (
        <Text size="xs" c="dimmed">
          {more}
        </Text>
      )}
    </LinkCard>
  );
}

/** What concerns the vault as a whole concerns every place. */
function isHere(one: { project: string | null; environment: string | null }, place: Place): boolean {
  const project = one.project === null || one.project === place.project;
  return project && (one.environment === null || one.environment === place.environment);
}

function OpenAlerts() {
  const place = usePlace();
  const found = useQuery(alerts());
  const open = (found.data ?? []).filter((one) => one.state === 'open' && isHere(one, place));
  return (
    <Card component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2}>{words.overview.alerts}</Title>
        <LinkButton to="/admin/alerts" variant="subtle" size="compact-sm">
          {words.overview.all}
        </LinkButton>
      </Group>
      <ErrorBox error={found.error} />
      {found.data && open.length === 0 && (
        <Group gap="xs">
          <IconCircleCheck size={20} aria-hidden />
          <Text size="sm">{words.overview.quiet}</Text>
        </Group>
      )}
      <Stack gap="sm">
        {open.slice(0, SHOWN).map((one) => (
          <Group key={one.id} gap="sm" wrap="nowrap" align="flex-start">
            <State of={one.severity} />
            <Text size="sm">{one.what}</Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function Coming() {
  const place = usePlace();
  const { data } = useSuspenseQuery(nextTurns(place, SHOWN));
  return (
    <Card component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2}>{words.overview.coming}</Title>
        <LinkButton to="/admin/rotations" variant="subtle" size="compact-sm">
          {words.overview.calendar}
        </LinkButton>
      </Group>
      {data.length === 0 && <Text size="sm">{words.rotations.nothingPlanned}</Text>}
      <Stack gap={8}>
        {data.map((one) => (
          <Group key={`${one.name} ${one.at}`} justify="space-between" wrap="nowrap">
            <Text size="sm" className="mono" truncate>
              {one.name}
            </Text>
            <Text size="sm" c={one.overdue ? 'red' : 'dimmed'} style={{ flex: 'none' }}>
              {one.overdue ? words.states.overdue : <Ago at={one.at} />}
            </Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function Connections() {
  const place = usePlace();
  const { data } = useSuspenseQuery(integrations(place));
  const used = data.filter((one) => one.status !== 'empty');
  return (
    <Card component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2}>{words.overview.connections}</Title>
        <LinkButton to="/admin/settings/integrations" variant="subtle" size="compact-sm">
          {words.overview.manage}
        </LinkButton>
      </Group>
      {used.length === 0 && <Text size="sm">{words.overview.notConnected}</Text>}
      <SimpleGrid cols={2} spacing={8}>
        {used.map((one) => (
          <Group key={one.id} gap={0} wrap="nowrap">
            <span className="dot" style={{ background: tone(one.status) }} />
            <Text size="sm" truncate>
              {one.title}{' '}
              <Text span size="sm" c="dimmed">
                {words.integrations.statuses[one.status]}
              </Text>
            </Text>
          </Group>
        ))}
      </SimpleGrid>
    </Card>
  );
}

const ON_ITS_WAY = new Set(['planned', 'issued', 'verified', 'promoted', 'distributed', 'grace', 'failed']);

function Moving() {
  const place = usePlace();
  const { data } = useSuspenseQuery(rotations(place));
  const moving = data.filter((one) => ON_ITS_WAY.has(one.state));
  return (
    <Card component="section">
      <Title order={2} mb="sm">
        {words.overview.moving}
      </Title>
      {moving.length === 0 && <Text size="sm">{words.overview.nothingMoves}</Text>}
      <Stack gap="md">
        {moving.slice(0, 3).map((one) => (
          <div key={one.id}>
            <Text size="sm" className="mono" mb={4}>
              {one.name}
            </Text>
            <RotationSteps state={one.state} />
          </div>
        ))}
      </Stack>
    </Card>
  );
}
