// The audit log: filtered, in detail, verified on the spot, and exported.
import { Button, Card, Code, Group, Loader, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconDownload, IconHistory, IconShieldCheck } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, body, type Schema } from '../api/client.ts';
import { count } from '../parts/format.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Empty, ErrorBox, Loading, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { auditRoute } from '../router.tsx';
import { words } from '../words.ts';

type Entry = Schema['AuditEntry'];

const PAGE = 100;
const OUTCOMES = ['ok', 'denied', 'failed'] as const;
const ACTIONS = [
  'secret',
  'secret.read',
  'secret.set',
  'rotation',
  'auth',
  'token',
  'person',
  'grant',
  'approval',
  'incident',
  'alert',
  'backup',
  'key',
  'audit',
] as const;

export function Audit() {
  const place = usePlace();
  const may = useMay();
  const filter = auditRoute.useSearch();
  const wholeVault = may('audit', 'vault');
  const outcome = OUTCOMES.find((one) => one === filter.outcome);
  const query = {
    limit: PAGE,
    ...(!wholeVault && { project: place.project }),
    ...(filter.secret && { secret: filter.secret }),
    ...(filter.principal && { principal: filter.principal }),
    ...(filter.action && { action: filter.action }),
    ...(outcome && { outcome }),
  };
  const found = useInfiniteQuery({
    queryKey: ['audit', query],
    queryFn: ({ pageParam }) =>
      body(api.GET('/v1/audit', { params: { query: { ...query, ...(pageParam !== '' && { cursor: pageParam }) } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    enabled: may('audit'),
  });
  const [shown, setShown] = useState<Entry>();
  if (!may('audit')) return <Empty icon={IconHistory} title={words.notAllowed} />;
  const entries = found.data?.pages.flatMap((one) => one.entries) ?? [];
  return (
    <>
      <PageHead title={words.audit.title} about={words.audit.about}>
        {wholeVault && <Verify />}
        {wholeVault && (
          <>
            <Button
              variant="default"
              component="a"
              href="/v1/audit/export?format=jsonl"
              download
              leftSection={<IconDownload size={18} />}
            >
              {words.audit.export}
            </Button>
            <Button variant="default" component="a" href="/v1/audit/export?format=csv" download>
              {words.audit.csv}
            </Button>
          </>
        )}
      </PageHead>
      <Filters filter={filter} />
      <ErrorBox error={found.error} />
      {found.isPending && <Loading rows={8} />}
      {found.data && entries.length === 0 && !found.hasNextPage && (
        <Empty icon={IconHistory} title={words.audit.nothing} />
      )}
      {entries.length > 0 && <Entries entries={entries} onShow={setShown} />}
      {found.hasNextPage && (
        <Button mt="md" variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          {words.audit.older}
        </Button>
      )}
      <Modal opened={shown !== undefined} onClose={() => setShown(undefined)} title={shown?.action} size="lg">
        {shown && <Details entry={shown} />}
      </Modal>
    </>
  );
}

interface Filter {
  readonly secret?: string;
  readonly principal?: string;
  readonly action?: string;
  readonly outcome?: string;
}

function Filters({ filter }: { filter: Filter }) {
  const navigate = useNavigate();
  const [secret, setSecret] = useState(filter.secret ?? '');
  const [principal, setPrincipal] = useState(filter.principal ?? '');
  const set = (change: Filter | { [key in keyof Filter]: undefined }) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set({ secret: secret || undefined, principal: principal || undefined } as Filter);
  };
  return (
    <form onSubmit={submit}>
      <Group mb="md" align="flex-end" gap="sm">
        <TextInput
          label={words.audit.secret}
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
        <TextInput
          label={words.audit.principal}
          value={principal}
          onChange={(event) => setPrincipal(event.currentTarget.value)}
        />
        <Select
          label={words.audit.action}
          placeholder={words.audit.any}
          data={[...ACTIONS]}
          value={filter.action ?? null}
          onChange={(action) => set({ action: action ?? undefined } as Filter)}
          clearable
          searchable
          w={160}
        />
        <Select
          label={words.audit.outcome}
          placeholder={words.audit.any}
          data={OUTCOMES.map((one) => ({ value: one, label: words.states[one] ?? one }))}
          value={filter.outcome ?? null}
          onChange={(outcome) => set({ outcome: outcome ?? undefined } as Filter)}
          clearable
          w={140}
        />
        <Button type="submit" variant="default">
          {words.audit.filter}
        </Button>
      </Group>
    </form>
  );
}

function whereOf(entry: Entry): string {
  const place = [entry.project, entry.environment].filter((one) => one !== null).join('/');
  const version = entry.version === null ? '' : ` ${words.secrets.versionOf(entry.version)}`;
  return [place, entry.secret === null ? '' : entry.secret + version].filter((one) => one !== '').join(' · ');
}

function Entries({ entries, onShow }: { entries: readonly Entry[]; onShow: (entry: Entry) => void }) {
  return (
    <ListTable width={760} columns={words.audit.columns} actions>
      {entries.map((one) => (
        <Table.Tr key={`${one.chain} ${one.seq}`}>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>{dateTimeText(one.time)}</Table.Td>
          <Table.Td>{one.principal}</Table.Td>
          <Table.Td className="mono">{one.action}</Table.Td>
          <Table.Td>{one.outcome === 'ok' ? words.states.ok : <State of={one.outcome} />}</Table.Td>
          <Table.Td>{whereOf(one)}</Table.Td>
          <Table.Td>
            <Button size="compact-xs" variant="subtle" onClick={() => onShow(one)}>
              {words.audit.details}
            </Button>
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function Details({ entry }: { entry: Entry }) {
  const facts: [string, string][] = [
    [words.audit.columns[0] ?? '', dateTimeText(entry.time)],
    [words.audit.principal, entry.principal],
    [words.audit.source, entry.source],
    [words.audit.outcome, words.states[entry.outcome] ?? entry.outcome],
    [words.audit.where, whereOf(entry)],
    [words.audit.entry, `${entry.chain} ${entry.seq}`],
  ];
  return (
    <Stack>
      <Table>
        <Table.Tbody>
          {facts.map(([label, text]) => (
            <Table.Tr key={label}>
              <Table.Th w={140}>{label}</Table.Th>
              <Table.Td>{text || words.none}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {entry.details && <Code block>{JSON.stringify(entry.details, null, 2)}</Code>}
    </Stack>
  );
}

/** Walks the whole chain on the server, and shows what came of it. */
function Verify() {
  const verify = useMutation({ mutationFn: () => body(api.POST('/v1/audit/verify', { body: {} })) });
  const verdict = verify.data;
  return (
    <>
      <Button loading={verify.isPending} leftSection={<IconShieldCheck size={18} />} onClick={() => verify.mutate()}>
        {words.audit.verify}
      </Button>
      <Modal opened={verify.status !== 'idle'} onClose={() => verify.reset()} title={words.audit.verifyTitle}>
        {verify.isPending && (
          <Group>
            <Loader size="sm" />
            <Text size="sm">{words.audit.verifying}</Text>
          </Group>
        )}
        <ErrorBox error={verify.error} />
        {verdict && (
          <Stack>
            <VerdictLine good={verdict.intact} text={verdict.intact ? words.audit.intact : words.audit.notIntact} />
            <VerdictLine
              good={verdict.complete}
              text={verdict.complete ? words.audit.complete : words.audit.notComplete}
            />
            <Card padding="sm">
              <Text size="sm">{words.audit.walked(count(verdict.entries), count(verdict.checkpoints))}</Text>
              <Text size="sm" c="dimmed">
                {words.audit.uncovered(count(verdict.uncovered))}
              </Text>
            </Card>
            {!(verdict.intact && verdict.complete) && <Code block>{JSON.stringify(verdict, null, 2)}</Code>}
          </Stack>
        )}
      </Modal>
    </>
  );
}

function VerdictLine({ good, text }: { good: boolean; text: string }) {
  return (
    <Group gap="xs" wrap="nowrap" c={good ? 'green' : 'red'}>
      {good ? <IconCircleCheck size={22} aria-hidden /> : <IconCircleX size={22} aria-hidden />}
      <Text fw={600}>{text}</Text>
    </Group>
  );
}
