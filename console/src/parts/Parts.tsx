// Small parts that many pages share: titles, empty states, errors, badges, times.
import {
  Alert,
  Anchor,
  Badge,
  Box,
  Center,
  Code,
  Group,
  type MantineColor,
  Skeleton,
  Stack,
  Text,
  ThemeIcon,
  Title,
} from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { type ComponentType, type ReactNode, useEffect } from 'react';
import { Problem } from '../api/client.ts';
import { words } from '../words.ts';
import { ago } from './format.ts';
import { dateTimeText } from './moments.ts';

/** A page's title, what it is for, and what can be done on it. */
export function PageHead(props: { title: string; about?: ReactNode; above?: ReactNode; children?: ReactNode }) {
  const { title } = props;
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="lg" gap="md">
      <Box flex="1 1 320px" miw={0}>
        {props.above}
        <Title order={1}>{title}</Title>
        {props.about && (
          <Text c="dimmed" mt={4} maw={720}>
            {props.about}
          </Text>
        )}
      </Box>
      <Group gap="xs">{props.children}</Group>
    </Group>
  );
}

/** What to show where there is nothing, and what to do then. */
export function Empty(props: {
  icon: ComponentType<{ size?: number }>;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const Icon = props.icon;
  return (
    <Center py={48}>
      <Stack align="center" gap="sm" maw={460}>
        <ThemeIcon size={56} radius="xl" variant="light">
          <Icon size={28} />
        </ThemeIcon>
        <Text fw={600} size="lg" ta="center">
          {props.title}
        </Text>
        {props.children && (
          <Text c="dimmed" ta="center">
            {props.children}
          </Text>
        )}
        {props.action}
      </Stack>
    </Center>
  );
}

/** An error: what happened, what was left as it was, what to do next. */
export function ErrorBox({ error, children }: { error: unknown; children?: ReactNode }) {
  if (!error) return null;
  const problem = error instanceof Problem ? error : undefined;
  const message = error instanceof Error ? error.message : words.errors.unknown;
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} role="alert">
      <Text fw={600} size="sm">
        {message}
      </Text>
      {problem?.left && <Text size="sm">{problem.left}</Text>}
      {problem?.next && <Text size="sm">{problem.next}</Text>}
      {problem?.request && (
        <Text size="xs" mt={4}>
          {words.errors.request} <Code>{problem.request}</Code> · {problem.code}
        </Text>
      )}
      {children}
    </Alert>
  );
}

/** A moment, short, with the whole of it on hover and focus. */
export function Ago({ at, never }: { at: number | null | undefined; never?: string }) {
  if (at === null || at === undefined) {
    return (
      <Text span c="dimmed" inherit>
        {never ?? words.times.never}
      </Text>
    );
  }
  return (
    <time dateTime={new Date(at).toISOString()} title={dateTimeText(at)}>
      {ago(at)}
    </time>
  );
}

const TONES: Readonly<Record<string, MantineColor>> = {
  critical: 'red',
  high: 'orange',
  medium: 'yellow',
  low: 'blue',
  info: 'gray',
  overdue: 'red',
  'due soon': 'orange',
  fresh: 'green',
  'no interval': 'gray',
  connected: 'green',
  failing: 'red',
  incomplete: 'orange',
  unchecked: 'gray',
  empty: 'gray',
  valid: 'green',
  restricted: 'green',
  refused: 'red',
  throttled: 'orange',
  unreachable: 'orange',
  open: 'red',
  acknowledged: 'blue',
  muted: 'gray',
  resolved: 'green',
  planned: 'blue',
  issued: 'blue',
  verified: 'blue',
  promoted: 'blue',
  distributed: 'blue',
  grace: 'yellow',
  revoked: 'green',
  failed: 'red',
  rolled_back: 'orange',
  ok: 'green',
  denied: 'red',
  current: 'green',
  previous: 'yellow',
  retired: 'gray',
};

/** A state in a word, coloured; the word alone tells it too. */
export function State({ of, label }: { of: string; label?: string }) {
  return <Badge color={TONES[of] ?? 'gray'}>{label ?? words.states[of] ?? of}</Badge>;
}

export function tone(of: string): string {
  return `var(--mantine-color-${TONES[of] ?? 'gray'}-6)`;
}

export function Outward({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Anchor href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </Anchor>
  );
}

export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <Stack gap="sm" role="status" aria-label={words.loading}>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of nothing have no other name
        <Skeleton key={index} height={44} />
      ))}
    </Stack>
  );
}
