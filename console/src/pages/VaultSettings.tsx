// The vault itself: its identity, its places, its keys, its backups.
import { Badge, Button, Card, Code, Group, Modal, Stack, Switch, Table, Text, TextInput, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconDownload } from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { fingerprintWords } from '../../../lib/client/sealed-value.ts';
import { api, body, once } from '../api/client.ts';
import { projects, queryClient } from '../api/queries.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Ago, ErrorBox, Loading, PageHead, State } from '../parts/Parts.tsx';
import { useMay } from '../parts/place.ts';
import { SaveError } from '../parts/SealingNote.tsx';
import { intakeKey } from '../sealing/intake.ts';
import { words } from '../words.ts';

export function VaultSettings() {
  const may = useMay();
  return (
    <>
      <PageHead title={words.vault.title} about={words.vault.about} />
      <Stack>
        <Identity />
        <Places />
        {may('backup', 'vault') && <Backups />}
        {may('keys', 'vault') && <Keys />}
      </Stack>
    </>
  );
}

function Identity() {
  const found = useQuery({
    queryKey: ['identity'],
    queryFn: async () => {
      const key = await intakeKey();
      return { ...key, words: await fingerprintWords(key.signedBy) };
    },
    retry: false,
  });
  return (
    <Card component="section">
      <Title order={2} mb="xs">
        {words.vault.identity}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {words.vault.identityAbout}
      </Text>
      <SaveError error={found.error} onAccepted={() => void found.refetch()} />
      {found.data && (
        <>
          <Code data-testid="fingerprint">{found.data.words}</Code>
          <Text size="sm" c="dimmed" mt="xs">
            {words.vault.intake(found.data.keyId.slice(0, 8), dateTimeText(found.data.notAfter))}
          </Text>
        </>
      )}
    </Card>
  );
}

function Places() {
  const may = useMay();
  const { data } = useSuspenseQuery(projects);
  const [making, make] = useDisclosure();
  const [within, setWithin] = useState<string>();
  const two = useMutation({
    mutationFn: ({ project, environment, on }: { project: string; environment: string; on: boolean }) =>
      body(
        api.PATCH('/v1/projects/{project}/environments/{environment}', {
          params: { path: { project, environment } },
          headers: once(),
          body: { twoPeople: on },
        }),
      ),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['projects'] }),
  });
  return (
    <Card component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2}>{words.vault.places}</Title>
        {may('places', 'vault') && (
          <Button size="xs" variant="default" onClick={make.open}>
            {words.vault.makeProject}
          </Button>
        )}
      </Group>
      <ErrorBox error={two.error} />
      <Table.ScrollContainer minWidth={480}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.place.project}</Table.Th>
              <Table.Th>{words.place.environment}</Table.Th>
              <Table.Th>{words.vault.twoPeople}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.flatMap((project) =>
              project.environments.map((one, index) => (
                <Table.Tr key={`${project.name}/${one.name}`}>
                  <Table.Td>
                    {index === 0 && (
                      <Group gap="xs">
                        {project.name}
                        {may('places') && (
                          <Button size="compact-xs" variant="subtle" onClick={() => setWithin(project.name)}>
                            {words.vault.makeEnvironment}
                          </Button>
                        )}
                      </Group>
                    )}
                  </Table.Td>
                  <Table.Td>{one.name}</Table.Td>
                  <Table.Td>
                    <Switch
                      aria-label={words.vault.twoPeopleOf(project.name, one.name)}
                      checked={one.twoPeople}
                      disabled={!may('settings', 'vault') || two.isPending}
                      onChange={(event) =>
                        two.mutate({ project: project.name, environment: one.name, on: event.currentTarget.checked })
                      }
                    />
                  </Table.Td>
                </Table.Tr>
              )),
            )}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="sm" c="dimmed" mt="xs">
        {words.vault.twoPeopleAbout}
      </Text>
      <Modal opened={making} onClose={make.close} title={words.vault.makeProject}>
        {making && (
          <NameForm
            save={(name) => body(api.POST('/v1/projects', { headers: once(), body: { name } }))}
            onDone={make.close}
          />
        )}
      </Modal>
      <Modal opened={within !== undefined} onClose={() => setWithin(undefined)} title={words.vault.makeEnvironment}>
        {within !== undefined && (
          <NameForm
            save={(name) =>
              body(
                api.POST('/v1/projects/{project}/environments', {
                  params: { path: { project: within } },
                  headers: once(),
                  body: { name },
                }),
              )
            }
            onDone={() => setWithin(undefined)}
          />
        )}
      </Modal>
    </Card>
  );
}

function NameForm({ save, onDone }: { save: (name: string) => Promise<unknown>; onDone: () => void }) {
  const [name, setName] = useState('');
  const make = useMutation({
    mutationFn: () => save(name),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['projects'] });
      void queryClient.invalidateQueries({ queryKey: ['whoami'] });
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={words.fields.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={64}
          required
          data-autofocus
        />
        <ErrorBox error={make.error} />
        <Button type="submit" loading={make.isPending}>
          {words.save}
        </Button>
      </Stack>
    </form>
  );
}

function Backups() {
  const found = useQuery({
    queryKey: ['backups'],
    queryFn: async () => (await body(api.GET('/v1/backups'))).backups,
  });
  const stale = () => void queryClient.invalidateQueries({ queryKey: ['backups'] });
  const make = useMutation({
    mutationFn: () => body(api.POST('/v1/backups', { headers: once(), body: {} })),
    onSettled: stale,
  });
  const verify = useMutation({
    mutationFn: (file: string) => body(api.POST('/v1/backups/{file}/verify', { params: { path: { file } }, body: {} })),
    onSuccess: (result, file) =>
      notifications.show({
        message: result.opens ? words.vault.opens(file, result.secrets) : (result.why ?? ''),
        color: result.opens ? 'green' : 'red',
      }),
  });
  const [restoring, setRestoring] = useState<string>();
  return (
    <Card component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2}>{words.vault.backups}</Title>
        <Button size="xs" loading={make.isPending} onClick={() => make.mutate()}>
          {words.vault.makeBackup}
        </Button>
      </Group>
      <ErrorBox error={found.error ?? make.error ?? verify.error} />
      {found.isPending && <Loading rows={2} />}
      {found.data?.length === 0 && <Text size="sm">{words.vault.noBackups}</Text>}
      {(found.data?.length ?? 0) > 0 && (
        <Table.ScrollContainer minWidth={640}>
          <Table verticalSpacing="xs">
            <Table.Tbody>
              {found.data?.map((one) => (
                <Table.Tr key={one.file}>
                  <Table.Td className="mono">{one.file}</Table.Td>
                  <Table.Td>
                    <Ago at={Date.parse(one.createdAt)} />
                  </Table.Td>
                  <Table.Td>{words.secrets.count(one.secrets)}</Table.Td>
                  <Table.Td>
                    <Group gap={4} justify="flex-end" wrap="nowrap">
                      <Button size="compact-sm" variant="subtle" onClick={() => verify.mutate(one.file)}>
                        {words.vault.verify}
                      </Button>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        component="a"
                        href={`/v1/backups/${one.file}`}
                        download={one.file}
                        leftSection={<IconDownload size={14} />}
                      >
                        {words.vault.download}
                      </Button>
                      <Button size="compact-sm" variant="subtle" onClick={() => setRestoring(one.file)}>
                        {words.secret.restore}
                      </Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Modal
        opened={restoring !== undefined}
        onClose={() => setRestoring(undefined)}
        title={words.vault.restoreTitle}
        size="lg"
      >
        {restoring !== undefined && <RestoreForm file={restoring} onDone={() => setRestoring(undefined)} />}
      </Modal>
    </Card>
  );
}

/** What would change is shown first. */
function RestoreForm({ file, onDone }: { file: string; onDone: () => void }) {
  const ask = (dryRun: boolean) =>
    body(
      api.POST('/v1/backups/{file}/restore', {
        params: { path: { file } },
        headers: once(),
        body: { names: [], dryRun },
      }),
    );
  const plan = useQuery({ queryKey: ['restore', file], queryFn: () => ask(true), staleTime: 0, retry: false });
  const restore = useMutation({
    mutationFn: () => ask(false),
    onSuccess: () => {
      void queryClient.invalidateQueries();
      notifications.show({ message: words.vault.restored, color: 'green' });
      onDone();
    },
  });
  if (plan.isPending) return <Loading rows={3} />;
  if (plan.error) return <ErrorBox error={plan.error} />;
  const changing = plan.data.secrets.filter((one) => one.outcome !== 'unchanged');
  return (
    <Stack>
      <Text size="sm">{words.vault.restoreAbout(changing.length)}</Text>
      {changing.slice(0, 20).map((one) => (
        <Text key={`${one.project}/${one.environment}/${one.name}`} size="sm" className="mono">
          {one.project}/{one.environment}/{one.name} · {one.outcome}
        </Text>
      ))}
      <ErrorBox error={restore.error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          {words.cancel}
        </Button>
        <Button disabled={changing.length === 0} loading={restore.isPending} onClick={() => restore.mutate()}>
          {words.secret.restore}
        </Button>
      </Group>
    </Stack>
  );
}

function Keys() {
  const found = useQuery({ queryKey: ['keys'], queryFn: () => body(api.GET('/v1/keys')) });
  const turn = useMutation({
    mutationFn: (at: { project: string; environment: string }) => body(api.POST('/v1/keys/rotate-data', { body: at })),
    onSuccess: ({ versions }) => notifications.show({ message: words.vault.resealed(versions), color: 'green' }),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['keys'] }),
  });
  if (found.isPending) return <Loading rows={2} />;
  if (found.error) return <ErrorBox error={found.error} />;
  const rotate = (text: string) => {
    const [project = '', environment = ''] = text.split('/');
    turn.mutate({ project, environment });
  };
  return (
    <Card component="section">
      <Title order={2} mb="xs">
        {words.vault.keys}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {words.vault.root(found.data.rootKeyId.slice(0, 12))}
      </Text>
      <ErrorBox error={turn.error} />
      <ListTable width={620} columns={words.vault.keyColumns} actions>
        {found.data.keys.map((one) => (
          <Table.Tr key={one.keyId}>
            <Table.Td>
              {one.purpose} <Badge color="gray">{one.number}</Badge>
            </Table.Td>
            <Table.Td>{one.environment ?? words.none}</Table.Td>
            <Table.Td>
              <State
                of={one.state === 'active' ? 'current' : one.state === 'retiring' ? 'previous' : 'retired'}
                label={one.state}
              />
            </Table.Td>
            <Table.Td>
              <Ago at={one.createdAt} />
            </Table.Td>
            <Table.Td>{one.versions}</Table.Td>
            <Table.Td>
              {one.environment !== null && one.state === 'active' && (
                <Button
                  size="compact-sm"
                  variant="subtle"
                  loading={turn.isPending}
                  onClick={() => one.environment && rotate(one.environment)}
                >
                  {words.secret.rotate}
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </Card>
  );
}
