// Rotations: what needs a person, what is on its way now, state by state, and the year ahead.
import { Badge, Button, Card, Group, Popover, SimpleGrid, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCalendarRepeat, IconHandClick } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Place } from '../api/queries.ts';
import { rotations, schedule } from '../api/queries.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { dateText, dateTimeText } from '../parts/moments.ts';
import { Ago, Empty, ErrorBox, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { RotateModal, useRollback } from '../parts/Rotate.tsx';
import { RotationSteps } from '../parts/RotationSteps.tsx';
import { words } from '../words.ts';

const RUNNING = new Set(['planned', 'issued', 'verified', 'promoted', 'distributed', 'failed']);

export function Rotations() {
  const place = usePlace();
  const { data } = useSuspenseQuery(rotations(place));
  const needed = data.filter((one) => one.needsValue && one.state === 'planned');
  const running = data.filter((one) => RUNNING.has(one.state) && !needed.includes(one));
  const rest = data.filter((one) => !RUNNING.has(one.state));
  return (
    <>
      <PageHead title={words.rotations.title} about={words.rotations.about} />
      <NeedsYou place={place} names={needed.map((one) => one.name)} />
      {running.length > 0 && (
        <Stack mb="xl">
          <Title order={2}>{words.rotations.running}</Title>
          {running.map((one) => (
            <RunningCard key={one.id} place={place} rotation={one} />
          ))}
        </Stack>
      )}
      <Tabs defaultValue="calendar" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="calendar">{words.rotations.calendar}</Tabs.Tab>
          <Tabs.Tab value="past">{words.rotations.past}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="calendar">
          <Year place={place} />
        </Tabs.Panel>
        <Tabs.Panel value="past">
          <Past place={place} rotations={rest} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

interface Rotation {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly fromVersion: number;
  readonly toVersion: number | null;
  readonly error: string | null;
  readonly startedAt: number;
  readonly startedBy: string;
}

/** What waits for a value that only a person can make. The dialog stays when what it was about waits no more. */
function NeedsYou({ place, names }: { place: Place; names: readonly string[] }) {
  const { data } = useSuspenseQuery(schedule(place));
  const may = useMay();
  const [given, setGiven] = useState<string>();
  const [opened, { open, close }] = useDisclosure();
  const due = data.filter((one) => one.overdue && !one.byItself).map((one) => one.name);
  const all = [...new Set([...names, ...due])];
  const give = (name: string) => {
    setGiven(name);
    open();
  };
  return (
    <>
      {given !== undefined && <RotateModal place={place} name={given} opened={opened} onClose={close} />}
      {all.length > 0 && (
        <Stack mb="xl">
          <Title order={2}>{words.rotations.needsYou}</Title>
          <Text c="dimmed" size="sm">
            {words.rotations.needsYouAbout}
          </Text>
          <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
            {all.map((name) => (
              <Card key={name} padding="md">
                <Group justify="space-between" wrap="nowrap">
                  <div>
                    <Text fw={600} className="mono" size="sm">
                      {name}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {names.includes(name) ? words.rotations.waiting : words.states.overdue}
                    </Text>
                  </div>
                  {may('rotate') && (
                    <Button size="xs" leftSection={<IconHandClick size={15} />} onClick={() => give(name)}>
                      {words.rotations.give}
                    </Button>
                  )}
                </Group>
              </Card>
            ))}
          </SimpleGrid>
        </Stack>
      )}
    </>
  );
}

function RunningCard({ place, rotation }: { place: Place; rotation: Rotation }) {
  const may = useMay();
  const [opened, { open, close }] = useDisclosure();
  const rollback = useRollback(place, rotation.name);
  return (
    <Card padding="md" data-testid={`rotation ${rotation.name}`}>
      <Group justify="space-between" mb={8}>
        <Text fw={600} className="mono" size="sm">
          {rotation.name}
        </Text>
        <Text size="sm" c="dimmed">
          {words.rotations.begun(rotation.startedBy)} <Ago at={rotation.startedAt} />
        </Text>
      </Group>
      <RotationSteps state={rotation.state} />
      {rotation.error && (
        <Text size="sm" c="red" mt="xs">
          {rotation.error}
        </Text>
      )}
      <ErrorBox error={rollback.error} />
      {may('rotate') && (
        <Group mt="sm" gap="xs">
          <Button size="xs" variant="default" onClick={open}>
            {words.rotations.retry}
          </Button>
          <Button size="xs" variant="default" loading={rollback.isPending} onClick={() => rollback.mutate(undefined)}>
            {words.rotations.rollBack}
          </Button>
        </Group>
      )}
      <RotateModal place={place} name={rotation.name} opened={opened} onClose={close} />
    </Card>
  );
}

function Past({ place, rotations: past }: { place: Place; rotations: readonly Rotation[] }) {
  const may = useMay();
  if (past.length === 0) return <Empty icon={IconCalendarRepeat} title={words.rotations.none} />;
  return (
    <ListTable width={700} columns={words.rotations.columns} actions>
      {past.map((one) => (
        <Table.Tr key={one.id}>
          <Table.Td className="mono">
            <Link to="/admin/secrets/$name" params={{ name: one.name }}>
              {one.name}
            </Link>
          </Table.Td>
          <Table.Td>
            <State of={one.state} />
            {one.error && (
              <Text size="xs" c="dimmed" maw={320}>
                {one.error}
              </Text>
            )}
          </Table.Td>
          <Table.Td>{words.rotations.versions(one.fromVersion, one.toVersion)}</Table.Td>
          <Table.Td>
            <Ago at={one.startedAt} />
          </Table.Td>
          <Table.Td>{one.startedBy}</Table.Td>
          <Table.Td>{one.state === 'grace' && may('rotate') && <RollBack place={place} name={one.name} />}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function RollBack({ place, name }: { place: Place; name: string }) {
  const rollback = useRollback(place, name);
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        loading={rollback.isPending}
        onClick={() =>
          rollback.mutate(undefined, {
            onSuccess: (result) => {
              notifications.show({ message: words.rotations.rolledBack(name, result.version), color: 'green' });
            },
          })
        }
      >
        {words.rotations.rollBack}
      </Button>
      <ErrorBox error={rollback.error} />
    </>
  );
}

interface Turn {
  readonly name: string;
  readonly at: number;
  readonly overdue: boolean;
  readonly byItself: boolean;
}

const MONTHS = 12;
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric' });

/** The coming year, day by day. */
function Year({ place }: { place: Place }) {
  const { data } = useSuspenseQuery(schedule(place));
  const [now] = useState(() => new Date());
  if (data.length === 0) {
    return (
      <Empty icon={IconCalendarRepeat} title={words.rotations.nothingPlanned}>
        {words.rotations.nothingPlannedAbout}
      </Empty>
    );
  }
  const byDay = Map.groupBy(data, (one) => new Date(one.at).toDateString());
  const months = Array.from({ length: MONTHS }, (_, index) => new Date(now.getFullYear(), now.getMonth() + index, 1));
  return (
    <Stack>
      <Group gap="lg">
        <Legend color="pine" label={words.rotations.byItself} />
        <Legend color="orange" label={words.rotations.byPerson} />
        <Legend color="red" label={words.states.overdue ?? ''} />
      </Group>
      <div className="calendar">
        {months.map((month) => (
          <Month key={month.getTime()} month={month} today={now} byDay={byDay} />
        ))}
      </div>
      <Next turns={data} />
    </Stack>
  );
}

function Legend({ color, label }: { color: string; label: string }) {
  return (
    <Group gap={4}>
      <span className="dot" style={{ background: `var(--mantine-color-${color}-6)` }} />
      <Text size="sm">{label}</Text>
    </Group>
  );
}

function Month({ month, today, byDay }: { month: Date; today: Date; byDay: ReadonlyMap<string, readonly Turn[]> }) {
  const days = new Date(month.getFullYear(), month.getMonth() + 1, 0).getDate();
  /** Weeks begin on Monday. */
  const before = (month.getDay() + 6) % 7;
  return (
    <section aria-label={monthName.format(month)}>
      <Text size="sm" fw={600} mb={6}>
        {monthName.format(month)}
      </Text>
      <div className="calendar-days">
        {Array.from({ length: days }, (_, index) => {
          const day = new Date(month.getFullYear(), month.getMonth(), index + 1);
          const turns = byDay.get(day.toDateString()) ?? [];
          const style = index === 0 ? { gridColumnStart: before + 1 } : undefined;
          const className = `calendar-day${day.toDateString() === today.toDateString() ? ' today' : ''}`;
          if (turns.length === 0) {
            return (
              <span key={day.getTime()} className={className} style={style}>
                {index + 1}
              </span>
            );
          }
          return <Day key={day.getTime()} day={day} turns={turns} className={className} style={style} />;
        })}
      </div>
    </section>
  );
}

function Day(props: {
  day: Date;
  turns: readonly Turn[];
  className: string;
  style: { gridColumnStart: number } | undefined;
}) {
  const { day, turns, className, style } = props;
  const color = turns.some((one) => one.overdue) ? 'red' : turns.some((one) => !one.byItself) ? 'orange' : 'pine';
  return (
    <Popover width={280} withArrow shadow="md">
      <Popover.Target>
        <button
          type="button"
          className={className}
          aria-label={words.rotations.onDay(dateText(day.getTime()), turns.length)}
          style={{
            ...style,
            background: `var(--mantine-color-${color}-light)`,
            color: `var(--mantine-color-${color}-light-color)`,
          }}
        >
          {day.getDate()}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="sm" fw={600} mb={4}>
          {dateText(day.getTime())}
        </Text>
        {turns.map((one) => (
          <Text key={one.name} size="sm" className="mono">
            <Link to="/admin/secrets/$name" params={{ name: one.name }}>
              {one.name}
            </Link>
          </Text>
        ))}
      </Popover.Dropdown>
    </Popover>
  );
}

const NEXT = 12;

function Next({ turns }: { turns: readonly Turn[] }) {
  return (
    <>
      <Title order={2}>{words.rotations.next}</Title>
      <ListTable width={480} columns={words.rotations.nextColumns}>
        {turns.slice(0, NEXT).map((one) => (
          <Table.Tr key={`${one.name} ${one.at}`}>
            <Table.Td className="mono">
              <Link to="/admin/secrets/$name" params={{ name: one.name }}>
                {one.name}
              </Link>
            </Table.Td>
            <Table.Td>{one.overdue ? <State of="overdue" /> : dateTimeText(one.at)}</Table.Td>
            <Table.Td>
              <Badge color={one.byItself ? 'green' : 'orange'}>
                {one.byItself ? words.rotations.byItself : words.rotations.byPerson}
              </Badge>
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </>
  );
}
