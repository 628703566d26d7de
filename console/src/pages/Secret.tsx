// One secret: what is known of it, its versions, its rotations, who reads it, where it is, and what can be done.
import {
  Breadcrumbs,
  Button,
  Card,
  Group,
  Menu,
  Modal,
  SimpleGrid,
  Stack,
  Table,
  Tabs,
  Text,
  Tooltip,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import {
  IconArrowBackUp,
  IconCalendarRepeat,
  IconDots,
  IconEdit,
  IconEye,
  IconMapQuestion,
  IconPencil,
  IconShieldExclamation,
  IconTrash,
} from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { api, body, once, type Schema } from '../api/client.ts';
import { history, type Place, queryClient, rotations, secretFacts, uses } from '../api/queries.ts';
import { CompromiseModal } from '../parts/Compromise.tsx';
import { LinkAnchor, LinkButton } from '../parts/links.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Ago, Empty, ErrorBox, Loading, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { RevealModal } from '../parts/Reveal.tsx';
import { RotateModal, useRollback } from '../parts/Rotate.tsx';
import { RotationSteps } from '../parts/RotationSteps.tsx';
import { DescribeModal, ValueModal } from '../parts/SecretForm.tsx';
import { words } from '../words.ts';

type Facts = Schema['Secret'] & { readonly dueAt: number | null; readonly age: string };

export function SecretPage() {
  const place = usePlace();
  const { name = '' } = useParams({ strict: false });
  const { data: secret } = useSuspenseQuery(secretFacts(place, name));
  if (!secret) {
    return (
      <Empty
        icon={IconMapQuestion}
        title={words.secret.notThere(name, place.environment)}
        action={<LinkButton to="/admin/secrets">{words.secret.toList}</LinkButton>}
      />
    );
  }
  return <Known place={place} secret={secret} />;
}

function Known({ place, secret }: { place: Place; secret: Facts }) {
  const [revealed, setRevealed] = useState<number | 'current'>();
  const close = () => setRevealed(undefined);
  return (
    <>
      <PageHead
        title={secret.name}
        above={
          <Breadcrumbs mb={4}>
            <LinkAnchor to="/admin/secrets" size="sm">
              {words.secrets.title}
            </LinkAnchor>
            <Text size="sm">{place.environment}</Text>
          </Breadcrumbs>
        }
      >
        {secret.deletedAt === null ? (
          <Actions place={place} secret={secret} onReveal={() => setRevealed('current')} />
        ) : (
          <Restore place={place} name={secret.name} />
        )}
      </PageHead>
      <FactCards secret={secret} />
      <Tabs defaultValue="history" mt="lg" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="history">{words.secret.history}</Tabs.Tab>
          <Tabs.Tab value="rotations">{words.secret.rotations}</Tabs.Tab>
          <Tabs.Tab value="readers">{words.secret.readers}</Tabs.Tab>
          <Tabs.Tab value="places">{words.secret.places}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="history">
          <History place={place} name={secret.name} deleted={secret.deletedAt !== null} onReveal={setRevealed} />
        </Tabs.Panel>
        <Tabs.Panel value="rotations">
          <Turns place={place} name={secret.name} />
        </Tabs.Panel>
        <Tabs.Panel value="readers">
          <Readers place={place} name={secret.name} />
        </Tabs.Panel>
        <Tabs.Panel value="places">
          <Places place={place} name={secret.name} />
        </Tabs.Panel>
      </Tabs>
      <RevealModal
        place={place}
        name={secret.name}
        {...(typeof revealed === 'number' && { version: revealed })}
        opened={revealed !== undefined}
        onClose={close}
      />
    </>
  );
}

function Actions({ place, secret, onReveal }: { place: Place; secret: Facts; onReveal: () => void }) {
  const may = useMay();
  const [rotating, rotate] = useDisclosure();
  const [setting, set] = useDisclosure();
  const [describing, describe] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const [leaked, leak] = useDisclosure();
  return (
    <>
      {may('read') && (
        <Button variant="default" leftSection={<IconEye size={18} />} onClick={onReveal}>
          {words.secret.reveal}
        </Button>
      )}
      {may('rotate') && (
        <Button leftSection={<IconCalendarRepeat size={18} />} onClick={rotate.open}>
          {words.secret.rotate}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px="xs" aria-label={words.secret.more}>
            <IconDots size={18} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item disabled={!may('write')} leftSection={<IconEdit size={16} />} onClick={set.open}>
            {words.secret.setValue}
          </Menu.Item>
          <Menu.Item disabled={!may('write')} leftSection={<IconPencil size={16} />} onClick={describe.open}>
            {words.secret.describe}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            disabled={!may('rotate')}
            color="red"
            leftSection={<IconShieldExclamation size={16} />}
            onClick={leak.open}
          >
            {words.secret.compromised}
          </Menu.Item>
          <Menu.Item disabled={!may('delete')} color="red" leftSection={<IconTrash size={16} />} onClick={remove.open}>
            {words.secret.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RotateModal place={place} name={secret.name} opened={rotating} onClose={rotate.close} />
      <ValueModal place={place} secret={secret} opened={setting} onClose={set.close} />
      <DescribeModal place={place} secret={secret} opened={describing} onClose={describe.close} />
      <CompromiseModal place={place} name={secret.name} opened={leaked} onClose={leak.close} />
      <RemoveModal place={place} secret={secret} opened={deleting} onClose={remove.close} />
    </>
  );
}

function RemoveModal(props: { place: Place; secret: Facts; opened: boolean; onClose: () => void }) {
  const { place, secret, onClose } = props;
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      body(
        api.DELETE('/v1/projects/{project}/environments/{environment}/secrets/{name}', {
          params: { path: { ...place, name: secret.name } },
          headers: { ...once(), 'if-match': `"${secret.tag}"` },
        }),
      ),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['secrets'] });
      notifications.show({ message: words.secret.removed(secret.name) });
      void navigate({ to: '/admin/secrets' });
    },
  });
  return (
    <Modal opened={props.opened} onClose={onClose} title={words.secret.removeTitle(secret.name)}>
      <Stack>
        <Text size="sm">{words.secret.removeAbout}</Text>
        <ErrorBox error={remove.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {words.cancel}
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            {words.secret.remove}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Restore({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const restore = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/restore', {
          params: { path: { ...place, name } },
          headers: once(),
        }),
      ),
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: ['secrets'] }),
  });
  return (
    <Stack gap="xs">
      <Button disabled={!may('write')} loading={restore.isPending} onClick={() => restore.mutate()}>
        {words.secret.restore}
      </Button>
      <ErrorBox error={restore.error} />
    </Stack>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text component="div" size="sm" fw={500}>
        {children}
      </Text>
    </div>
  );
}

function FactCards({ secret }: { secret: Facts }) {
  const labels = Object.entries(secret.labels);
  return (
    <Card>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="lg">
        <Fact label={words.fields.state}>
          <State of={secret.deletedAt === null ? secret.age : 'deleted'} />
        </Fact>
        <Fact label={words.fields.type}>{words.types[secret.type] ?? secret.type}</Fact>
        <Fact label={words.fields.version}>
          {secret.version}
          {secret.previousVersion !== null && (secret.previousValidUntil ?? 0) > Date.now() && (
            <Text size="xs" c="dimmed">
              {words.secret.previous(secret.previousVersion)} <Ago at={secret.previousValidUntil} />
            </Text>
          )}
        </Fact>
        <Fact label={words.secret.turned}>
          <Ago at={secret.rotatedAt} />
        </Fact>
        <Fact label={words.secret.due}>
          <Ago at={secret.dueAt} never={words.none} />
        </Fact>
        <Fact label={words.fields.owner}>{secret.owner ?? words.none}</Fact>
        <Fact label={words.secret.reads}>{secret.reads}</Fact>
        <Fact label={words.secret.lastRead}>
          <Ago at={secret.lastReadAt} />
          {secret.lastReadBy && (
            <Text size="xs" c="dimmed">
              {secret.lastReadBy}
            </Text>
          )}
        </Fact>
        <Fact label={words.secret.fingerprint}>
          <Tooltip label={words.secret.fingerprintAbout} multiline maw={300}>
            <Text span className="mono" size="sm" tabIndex={0}>
              {secret.fingerprint.slice(0, 12)}
            </Text>
          </Tooltip>
        </Fact>
        <Fact label={words.fields.labels}>
          {labels.length === 0 ? words.none : labels.map(([key, label]) => `${key}=${label}`).join(', ')}
        </Fact>
      </SimpleGrid>
    </Card>
  );
}

function History(props: { place: Place; name: string; deleted: boolean; onReveal: (version: number) => void }) {
  const { place, name, onReveal } = props;
  const may = useMay();
  const found = useQuery(history(place, name));
  const rollback = useRollback(place, name);
  const [wanted, setWanted] = useState<number>();
  const done = (version: number) =>
    rollback.mutate(version, {
      onSuccess: (result) => {
        notifications.show({ message: words.secret.rolledBack(version, result.version), color: 'green' });
        setWanted(undefined);
      },
    });
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  return (
    <>
      <Table.ScrollContainer minWidth={640}>
        <Table verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              {words.secret.historyColumns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
              <Table.Th aria-label={words.secret.more} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.data.versions.map((one) => (
              <Table.Tr key={one.number}>
                <Table.Td>{one.number}</Table.Td>
                <Table.Td>
                  <State of={one.state} />
                </Table.Td>
                <Table.Td>
                  <Ago at={one.createdAt} />
                </Table.Td>
                <Table.Td>{one.createdBy}</Table.Td>
                <Table.Td>{words.origins[one.origin] ?? one.origin}</Table.Td>
                <Table.Td className="mono">{one.fingerprint.slice(0, 12)}</Table.Td>
                <Table.Td>
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    {may('read') && (
                      <Button size="compact-sm" variant="subtle" onClick={() => onReveal(one.number)}>
                        {words.secret.reveal}
                      </Button>
                    )}
                    {may('rotate') && one.state !== 'current' && !props.deleted && (
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        leftSection={<IconArrowBackUp size={14} />}
                        onClick={() => setWanted(one.number)}
                      >
                        {words.secret.bringBack}
                      </Button>
                    )}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Modal
        opened={wanted !== undefined}
        onClose={() => setWanted(undefined)}
        title={words.secret.bringBackTitle(wanted ?? 0)}
      >
        <Stack>
          <Text size="sm">{words.secret.bringBackAbout}</Text>
          <ErrorBox error={rollback.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setWanted(undefined)}>
              {words.cancel}
            </Button>
            <Button loading={rollback.isPending} onClick={() => wanted !== undefined && done(wanted)}>
              {words.secret.bringBack}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

function Turns({ place, name }: { place: Place; name: string }) {
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

/** From the audit log, for who may read it: everybody who has read the secret lately, and how often. */
function Readers({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const found = useQuery({
    queryKey: ['readers', place, name],
    queryFn: () =>
      body(
        api.GET('/v1/audit', {
          params: { query: { ...place, secret: name, action: 'secret.read', limit: 500 } },
        }),
      ),
    enabled: may('audit'),
  });
  if (!may('audit')) return <Text c="dimmed">{words.secret.readersNot}</Text>;
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  const by = Map.groupBy(found.data.entries, (one) => `${one.principal}\n${one.source}`);
  if (by.size === 0) return <Empty icon={IconEye} title={words.secret.neverRead} />;
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            {words.secret.readerColumns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {[...by].map(([key, entries]) => (
            <Table.Tr key={key}>
              <Table.Td>{entries[0]?.principal}</Table.Td>
              <Table.Td className="mono">{entries[0]?.source}</Table.Td>
              <Table.Td>{entries.filter((one) => one.outcome === 'ok').length}</Table.Td>
              <Table.Td>{entries.filter((one) => one.outcome !== 'ok').length}</Table.Td>
              <Table.Td>
                <Ago at={entries[0]?.time} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Places({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const found = useQuery(uses(place, name));
  const push = useMutation({
    mutationFn: (destination: string) =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/destinations/{destination}/push', {
          params: { path: { ...place, destination } },
          headers: once(),
          body: { names: [name] },
        }),
      ),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['secrets'] }),
  });
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  const { destinations, services, lastCheck } = found.data;
  return (
    <Stack>
      {lastCheck && (
        <Card padding="md">
          <Group gap="sm">
            <State of={lastCheck.status} />
            <Text size="sm">{lastCheck.detail}</Text>
            <Text size="sm" c="dimmed">
              <Ago at={lastCheck.checkedAt} />
            </Text>
          </Group>
        </Card>
      )}
      {destinations.map((one) => (
        <Card key={one.id} padding="md">
          <Group justify="space-between">
            <div>
              <Text fw={600} size="sm">
                {one.title}
              </Text>
              <Text size="sm" c="dimmed">
                {words.secret.goesAs(one.as)} ·{' '}
                {one.version === null ? words.secret.notSent : words.secrets.versionOf(one.version)} · {one.state}
              </Text>
            </div>
            {may('rotate') && (
              <Button size="xs" variant="default" loading={push.isPending} onClick={() => push.mutate(one.id)}>
                {words.secret.sendAgain}
              </Button>
            )}
          </Group>
        </Card>
      ))}
      <ErrorBox error={push.error} />
      {services.length > 0 && <Text size="sm">{words.secret.services(services.join(', '))}</Text>}
      {destinations.length === 0 && services.length === 0 && <Text c="dimmed">{words.secret.noPlaces}</Text>}
    </Stack>
  );
}
