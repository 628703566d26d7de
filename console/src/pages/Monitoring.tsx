// Monitoring: how old secrets are, how strong, how they are used, and what was refused, as pictures.
import { Card, SegmentedControl, SimpleGrid, Text, Title } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { activity, journeyRuns, type Place, type Report, report } from '../api/queries.ts';
import { dateTimeText } from '../parts/moments.ts';
import { Empty, ErrorBox, Loading, PageHead } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { words } from '../words.ts';

const UseChart = lazy(() => import('../parts/Charts.tsx').then((one) => ({ default: one.UseChart })));
const CountChart = lazy(() => import('../parts/Charts.tsx').then((one) => ({ default: one.CountChart })));
const JourneyChart = lazy(() => import('../parts/Charts.tsx').then((one) => ({ default: one.JourneyChart })));
const DeniedChart = lazy(() => import('../parts/Charts.tsx').then((one) => ({ default: one.DeniedChart })));

export function Monitoring() {
  const place = usePlace();
  const may = useMay();
  const [days, setDays] = useState('30');
  if (!may('monitor')) return <Empty icon={IconActivity} title={words.notAllowed} />;
  return (
    <>
      <PageHead title={words.monitoring.title} about={words.monitoring.about}>
        <SegmentedControl
          aria-label={words.monitoring.period}
          data={[7, 30, 90].map((one) => ({ value: String(one), label: words.monitoring.days(one) }))}
          value={days}
          onChange={setDays}
        />
      </PageHead>
      <Use place={place} days={Number(days)} />
      {may('monitor', 'vault') && <Journeys days={Number(days)} />}
      {may('validate') && <Health place={place} />}
    </>
  );
}

function Use({ place, days }: { place: Place; days: number }) {
  const found = useQuery(activity(place, days));
  if (found.error) return <ErrorBox error={found.error} />;
  if (!found.data) return <Loading />;
  const late = found.data.since > (found.data.days[0]?.day ?? 0);
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }} mb="md">
        <Card component="section">
          <Title order={2} mb="md">
            {words.monitoring.use}
          </Title>
          <Suspense fallback={<Loading />}>
            <UseChart days={found.data.days} />
          </Suspense>
        </Card>
        <Card component="section">
          <Title order={2} mb="md">
            {words.monitoring.denied}
          </Title>
          <Suspense fallback={<Loading />}>
            <DeniedChart days={found.data.days} />
          </Suspense>
        </Card>
      </SimpleGrid>
      {late && (
        <Text size="sm" c="dimmed" mb="md">
          {words.monitoring.since(dateTimeText(found.data.since))}
        </Text>
      )}
    </>
  );
}

const CHARTED = 60;

/** Nothing where no journey has run: not everybody has one. */
function Journeys({ days }: { days: number }) {
  const { data = [], error } = useQuery(journeyRuns(days));
  if (error) return <ErrorBox error={error} />;
  const names = [...new Set(data.map((one) => one.journey))];
  if (names.length === 0) return null;
  return (
    <Card component="section" mb="md">
      <Title order={2} mb="md">
        {words.monitoring.journeys}
      </Title>
      {names.map((name) => {
        const runs = data.filter((one) => one.journey === name);
        const passed = runs.filter((one) => one.passed).length;
        const label = words.monitoring.journey(name, passed, runs.length);
        const [last] = runs;
        return (
          <div key={name}>
            <Text fw={600}>{label}</Text>
            {last && !last.passed && <Text c="red.8">{words.monitoring.lastFailed(last.error ?? '')}</Text>}
            <Suspense fallback={<Loading />}>
              <JourneyChart label={label} runs={runs.slice(0, CHARTED).reverse()} />
            </Suspense>
          </div>
        );
      })}
    </Card>
  );
}

const STRENGTHS = [
  { from: 0, to: 25, color: 'red.6' },
  { from: 25, to: 47, color: 'orange.6' },
  { from: 47, to: 75, color: 'yellow.6' },
  { from: 75, to: 101, color: 'green.6' },
] as const;

const AGES = ['fresh', 'due soon', 'overdue', 'no interval'] as const;
const AGE_COLORS = { fresh: 'green.6', 'due soon': 'orange.6', overdue: 'red.6', 'no interval': 'gray.5' } as const;

function Health({ place }: { place: Place }) {
  const { data } = useSuspenseQuery(report(place));
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <Card component="section">
        <Title order={2} mb="md">
          {words.monitoring.age}
        </Title>
        <Suspense fallback={<Loading />}>
          <CountChart label={words.monitoring.age} bars={ageBars(data)} />
        </Suspense>
      </Card>
      <Card component="section">
        <Title order={2} mb="md">
          {words.monitoring.strength}
        </Title>
        <Suspense fallback={<Loading />}>
          <CountChart label={words.monitoring.strength} bars={strengthBars(data)} />
        </Suspense>
      </Card>
    </SimpleGrid>
  );
}

function ageBars(data: Report) {
  return AGES.map((state) => ({
    name: words.states[state] ?? state,
    count: data.secrets.filter((one) => one.state === state).length,
    color: AGE_COLORS[state],
  }));
}

function strengthBars(data: Report) {
  const measured = data.secrets.flatMap((one) => (one.strength === null ? [] : [one.strength]));
  return STRENGTHS.map(({ from, to, color }, index) => ({
    name: words.monitoring.strengths[index] ?? '',
    count: measured.filter((one) => one >= from && one < to).length,
    color,
  }));
}
