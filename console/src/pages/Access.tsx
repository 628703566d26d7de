// Who may do what: people, invitations, roles, machine tokens, and what waits for a second person.
import {
  Badge,
  Button,
  Card,
  Checkbox,
  Group,
  Modal,
  MultiSelect,
  Select,
  Stack,
  Table,
  Tabs,
  Text,
  TextInput,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChecklist, IconKey, IconMailPlus, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, type Schema } from '../api/client.ts';
import {
  approvals,
  invitations,
  people,
  policy,
  projects,
  queryClient,
  roles,
  tokens,
  whoami,
} from '../api/queries.ts';
import { Ago, Empty, ErrorBox, Loading, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { ShownOnce } from '../parts/Shown.tsx';
import { words } from '../words.ts';

type Person = Schema['Person'];
type Token = Schema['Token'];

const stale = (...keys: string[]) => {
  for (const key of keys) void queryClient.invalidateQueries({ queryKey: [key] });
};

export function Access() {
  return (
    <>
      <PageHead title={words.access.title} about={words.access.about} />
      <Tabs defaultValue="people" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="people">{words.access.people}</Tabs.Tab>
          <Tabs.Tab value="tokens">{words.access.tokens}</Tabs.Tab>
          <Tabs.Tab value="approvals">{words.access.approvals}</Tabs.Tab>
          <Tabs.Tab value="roles">{words.access.roles}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
        <Tabs.Panel value="approvals">
          <Approvals />
        </Tabs.Panel>
        <Tabs.Panel value="roles">
          <Roles />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** Where a role or a token reaches: everywhere, a project, or one environment. */
function WherePicker(props: {
  project: string | null;
  environment: string | null;
  everywhere: boolean;
  onChange: (project: string | null, environment: string | null) => void;
}) {
  const { project, environment, onChange } = props;
  const { data } = useSuspenseQuery(projects);
  const here = data.find((one) => one.name === project)?.environments ?? [];
  return (
    <Group grow>
      <Select
        label={words.place.project}
        placeholder={props.everywhere ? words.access.everywhere : undefined}
        data={data.map((one) => one.name)}
        value={project}
        onChange={(to) => onChange(to, null)}
        clearable={props.everywhere}
        allowDeselect={props.everywhere}
        required={!props.everywhere}
      />
      <Select
        label={words.place.environment}
        placeholder={words.access.everyEnvironment}
        data={here.map((one) => one.name)}
        value={environment}
        onChange={(to) => onChange(project, to)}
        disabled={project === null}
        clearable
      />
    </Group>
  );
}

function whereText(at: { project?: string | undefined; environment?: string | undefined }): string {
  if (at.project === undefined) return words.access.everywhere;
  return at.environment === undefined ? at.project : `${at.project}/${at.environment}`;
}

function People() {
  const may = useMay();
  const { data: me } = useSuspenseQuery(whoami);
  const found = useSuspenseQuery(people);
  const invited = useSuspenseQuery(invitations);
  const [inviting, invite] = useDisclosure();
  const [given, setGiven] = useState<Person>();
  const [link, setLink] = useState<string>();
  const withdraw = useMutation({
    mutationFn: (id: string) => body(api.DELETE('/v1/invitations/{id}', { params: { path: { id } }, headers: once() })),
    onSettled: () => stale('invitations'),
  });
  return (
    <Stack>
      {may('people') && (
        <Button w="fit-content" leftSection={<IconMailPlus size={18} />} onClick={invite.open}>
          {words.access.invite}
        </Button>
      )}
      <Table.ScrollContainer minWidth={620}>
        <Table verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              {words.access.peopleColumns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
              <Table.Th aria-label={words.secret.more} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.data.map((one) => (
              <PersonRow key={one.id} person={one} me={one.id === me.person?.id} onGive={() => setGiven(one)} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {invited.data.length > 0 && (
        <Stack gap="xs">
          <Text fw={600}>{words.access.invited}</Text>
          {invited.data.map((one) => (
            <Card key={one.id} padding="sm">
              <Group justify="space-between">
                <Text size="sm">
                  {one.email} · {one.role} · {whereText(one)} · {words.access.until} <Ago at={one.expiresAt} />
                </Text>
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => withdraw.mutate(one.id)}>
                  {words.access.withdraw}
                </Button>
              </Group>
            </Card>
          ))}
          <ErrorBox error={withdraw.error} />
        </Stack>
      )}
      <Modal opened={inviting} onClose={invite.close} title={words.access.invite}>
        {inviting && (
          <GrantForm
            withEmail
            submit={words.access.invite}
            save={async (email, grant) => {
              const made = await body(api.POST('/v1/invitations', { headers: once(), body: { email, ...grant } }));
              setLink(made.link);
            }}
            onDone={() => {
              stale('invitations');
              invite.close();
            }}
          />
        )}
      </Modal>
      <Modal
        opened={given !== undefined}
        onClose={() => setGiven(undefined)}
        title={words.access.giveRole(given?.name ?? '')}
      >
        {given && (
          <GrantForm
            submit={words.access.give}
            save={async (_, grant) => {
              await body(
                api.POST('/v1/people/{person}/grants', {
                  params: { path: { person: given.id } },
                  headers: once(),
                  body: grant,
                }),
              );
            }}
            onDone={() => {
              stale('people', 'whoami');
              setGiven(undefined);
            }}
          />
        )}
      </Modal>
      <ShownOnce
        title={words.access.linkTitle}
        about={words.access.linkAbout}
        text={link}
        onClose={() => setLink(undefined)}
      />
    </Stack>
  );
}

function PersonRow({ person, me, onGive }: { person: Person; me: boolean; onGive: () => void }) {
  const may = useMay();
  const [removing, remove] = useDisclosure();
  const take = useMutation({
    mutationFn: (id: string) =>
      body(
        api.DELETE('/v1/people/{person}/grants/{id}', { params: { path: { person: person.id, id } }, headers: once() }),
      ),
    onSettled: () => stale('people', 'whoami'),
  });
  const gone = useMutation({
    mutationFn: () =>
      body(api.DELETE('/v1/people/{person}', { params: { path: { person: person.id } }, headers: once() })),
    onSuccess: remove.close,
    onSettled: () => stale('people'),
  });
  const end = useMutation({
    mutationFn: () => body(api.DELETE('/v1/people/{person}/sessions', { params: { path: { person: person.id } } })),
    onSettled: () => stale('sessions'),
  });
  return (
    <Table.Tr>
      <Table.Td>
        {person.name} {me && <Badge color="gray">{words.access.you}</Badge>}
        <Text size="sm" c="dimmed">
          {person.email}
        </Text>
      </Table.Td>
      <Table.Td>
        <Stack gap={4}>
          {person.grants.length === 0 && <Text size="sm">{words.access.noRole}</Text>}
          {person.grants.map((one) => (
            <Group key={one.id} gap={6}>
              <Badge>{one.role}</Badge>
              <Text size="sm">{whereText(one)}</Text>
              {may('people') && (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  aria-label={words.access.takeRole(one.role, person.name)}
                  loading={take.isPending}
                  onClick={() => take.mutate(one.id)}
                >
                  {words.access.take}
                </Button>
              )}
            </Group>
          ))}
          <ErrorBox error={take.error ?? end.error} />
        </Stack>
      </Table.Td>
      <Table.Td>
        {may('people') && (
          <Group gap={4} justify="flex-end">
            <Button size="compact-sm" variant="subtle" onClick={onGive}>
              {words.access.give}
            </Button>
            <Button size="compact-sm" variant="subtle" loading={end.isPending} onClick={() => end.mutate()}>
              {words.access.endSessions}
            </Button>
            {!me && (
              <Button size="compact-sm" variant="subtle" color="red" onClick={remove.open}>
                {words.access.remove}
              </Button>
            )}
          </Group>
        )}
        <Modal opened={removing} onClose={remove.close} title={words.access.removeTitle(person.name)}>
          <Stack>
            <Text size="sm">{words.access.removeAbout}</Text>
            <ErrorBox error={gone.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={remove.close} data-autofocus>
                {words.cancel}
              </Button>
              <Button color="red" loading={gone.isPending} onClick={() => gone.mutate()}>
                {words.access.remove}
              </Button>
            </Group>
          </Stack>
        </Modal>
      </Table.Td>
    </Table.Tr>
  );
}

interface Grant {
  readonly role: string;
  readonly project?: string;
  readonly environment?: string;
}

function GrantForm(props: {
  withEmail?: boolean;
  submit: string;
  save: (email: string, grant: Grant) => Promise<void>;
  onDone: () => void;
}) {
  const { data } = useSuspenseQuery(roles);
  const may = useMay();
  const place = usePlace();
  const everywhere = may('people', 'vault');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<string | null>('reader');
  const [project, setProject] = useState<string | null>(everywhere ? null : place.project);
  const [environment, setEnvironment] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () =>
      props.save(email, {
        role: role ?? 'reader',
        ...(project !== null && { project }),
        ...(environment !== null && { environment }),
      }),
    onSuccess: props.onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {props.withEmail && (
          <TextInput
            label={words.signIn.email}
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            required
            data-autofocus
          />
        )}
        <Select
          label={words.access.role}
          description={role === null ? undefined : words.access.roleWords[role]}
          data={data.map((one) => one.name)}
          value={role}
          onChange={setRole}
          allowDeselect={false}
        />
        <WherePicker
          project={project}
          environment={environment}
          everywhere={everywhere}
          onChange={(to, at) => {
            setProject(to);
            setEnvironment(at);
          }}
        />
        <ErrorBox error={save.error} />
        <Button type="submit" loading={save.isPending}>
          {props.submit}
        </Button>
      </Stack>
    </form>
  );
}

function Tokens() {
  const may = useMay();
  const found = useQuery(tokens);
  const [making, make] = useDisclosure();
  const [made, setMade] = useState<string>();
  const act = useMutation({
    mutationFn: async ({ id, what }: { id: string; what: 'rotate' | 'revoke' | 'thaw' }) => {
      const params = { path: { id } };
      if (what === 'revoke') await body(api.DELETE('/v1/tokens/{id}', { params, headers: once() }));
      else if (what === 'thaw') await body(api.POST('/v1/tokens/{id}/thaw', { params, headers: once() }));
      else setMade((await body(api.POST('/v1/tokens/{id}/rotate', { params, headers: once(), body: {} }))).token);
    },
    onSettled: () => stale('tokens'),
  });
  if (found.isPending) return <Loading />;
  if (found.error) return <ErrorBox error={found.error} />;
  return (
    <Stack>
      {may('tokens') && (
        <Button w="fit-content" leftSection={<IconPlus size={18} />} onClick={make.open}>
          {words.access.makeToken}
        </Button>
      )}
      <ErrorBox error={act.error} />
      {found.data.length === 0 ? (
        <Empty icon={IconKey} title={words.access.noTokens}>
          {words.access.noTokensAbout}
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={820}>
          <Table verticalSpacing="sm">
            <Table.Thead>
              <Table.Tr>
                {words.access.tokenColumns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
                <Table.Th aria-label={words.secret.more} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.data.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>
                    {one.name}
                    <Text size="xs" c="dimmed" className="mono">
                      {one.id}
                    </Text>
                  </Table.Td>
                  <Table.Td>{whereText(one)}</Table.Td>
                  <Table.Td>
                    {one.permissions.join(', ')}
                    {one.names && (
                      <Text size="xs" c="dimmed" className="mono">
                        {one.names.join(', ')}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Ago at={one.lastUsedAt} />
                    <Text size="xs" c="dimmed">
                      {words.access.uses(one.uses)}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <TokenState token={one} />
                  </Table.Td>
                  <Table.Td>
                    {may('tokens') && one.revokedAt === null && (
                      <Group gap={4} justify="flex-end" wrap="nowrap">
                        {one.frozenAt !== null && (
                          <Button
                            size="compact-sm"
                            variant="subtle"
                            onClick={() => act.mutate({ id: one.id, what: 'thaw' })}
                          >
                            {words.access.thaw}
                          </Button>
                        )}
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          onClick={() => act.mutate({ id: one.id, what: 'rotate' })}
                        >
                          {words.secret.rotate}
                        </Button>
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="red"
                          onClick={() => act.mutate({ id: one.id, what: 'revoke' })}
                        >
                          {words.access.revoke}
                        </Button>
                      </Group>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Modal opened={making} onClose={make.close} title={words.access.makeToken} size="lg">
        {making && (
          <TokenForm
            onMade={(token) => {
              setMade(token);
              make.close();
            }}
          />
        )}
      </Modal>
      <ShownOnce
        title={words.access.tokenTitle}
        about={words.access.tokenAbout}
        text={made}
        onClose={() => setMade(undefined)}
      />
    </Stack>
  );
}

function TokenState({ token }: { token: Token }) {
  const now = Date.now();
  if (token.revokedAt !== null && token.revokedAt <= now) return <State of="retired" label={words.access.revoked} />;
  if (token.frozenAt !== null) return <State of="critical" label={words.access.frozen} />;
  if (token.expiresAt !== undefined && token.expiresAt <= now)
    return <State of="retired" label={words.access.expired} />;
  return (
    <>
      <State of="valid" label={words.access.active} />
      {token.expiresAt !== undefined && (
        <Text size="xs" c="dimmed">
          {words.access.until} <Ago at={token.expiresAt} />
        </Text>
      )}
    </>
  );
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LIVES = [1, 30, 90, 365] as const;
const PERMISSIONS = ['list', 'read', 'write', 'rotate', 'validate', 'monitor', 'delete'] as const;

function TokenForm({ onMade }: { onMade: (token: string) => void }) {
  const place = usePlace();
  const [name, setName] = useState('');
  const [project, setProject] = useState<string | null>(place.project);
  const [environment, setEnvironment] = useState<string | null>(place.environment);
  const [permissions, setPermissions] = useState<string[]>(['read']);
  const [names, setNames] = useState('');
  const [addresses, setAddresses] = useState('');
  const [days, setDays] = useState<string | null>('90');
  const list = (text: string) =>
    text
      .split(/[\s,]+/)
      .map((one) => one.trim())
      .filter((one) => one !== '');
  const make = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/tokens', {
          headers: once(),
          body: {
            name,
            project: project ?? place.project,
            ...(environment !== null && { environment }),
            permissions,
            ...(names.trim() !== '' && { names: list(names) }),
            ...(addresses.trim() !== '' && { addresses: list(addresses) }),
            ...(days !== null && { expiresAt: Date.now() + Number(days) * DAY_MS }),
          },
        }),
      ),
    onSuccess: ({ token }) => {
      stale('tokens');
      onMade(token);
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
          label={words.access.tokenName}
          placeholder={words.access.tokenExample}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          maxLength={100}
          data-autofocus
        />
        <WherePicker
          project={project}
          environment={environment}
          everywhere={false}
          onChange={(to, at) => {
            setProject(to);
            setEnvironment(at);
          }}
        />
        <MultiSelect
          label={words.access.permissions}
          data={[...PERMISSIONS]}
          value={permissions}
          onChange={setPermissions}
          required
        />
        <TextInput
          label={words.access.names}
          description={words.access.namesHint}
          value={names}
          onChange={(event) => setNames(event.currentTarget.value)}
        />
        <TextInput
          label={words.access.addresses}
          description={words.access.addressesHint}
          value={addresses}
          onChange={(event) => setAddresses(event.currentTarget.value)}
        />
        <Select
          label={words.access.ends}
          placeholder={words.access.never}
          data={LIVES.map((one) => ({ value: String(one), label: words.monitoring.days(one) }))}
          value={days}
          onChange={setDays}
          clearable
        />
        <ErrorBox error={make.error} />
        <Button type="submit" loading={make.isPending} disabled={permissions.length === 0}>
          {words.access.makeToken}
        </Button>
      </Stack>
    </form>
  );
}

function Approvals() {
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

function Roles() {
  const may = useMay();
  const { data } = useSuspenseQuery(roles);
  const { data: table } = useSuspenseQuery(policy);
  const [making, make] = useDisclosure();
  const remove = useMutation({
    mutationFn: (role: string) => body(api.DELETE('/v1/roles/{role}', { params: { path: { role } }, headers: once() })),
    onSettled: () => stale('roles'),
  });
  const permissions = Object.entries(table.permissions);
  return (
    <Stack>
      {may('people', 'vault') && (
        <Button w="fit-content" leftSection={<IconPlus size={18} />} onClick={make.open}>
          {words.access.makeRole}
        </Button>
      )}
      <ErrorBox error={remove.error} />
      <Table.ScrollContainer minWidth={700}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.access.permission}</Table.Th>
              {data.map((role) => (
                <Table.Th key={role.name}>
                  {role.name}
                  {!role.builtIn && may('people', 'vault') && (
                    <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(role.name)}>
                      {words.access.remove}
                    </Button>
                  )}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {permissions.map(([name, about]) => (
              <Table.Tr key={name}>
                <Table.Td>
                  <Text size="sm" fw={600}>
                    {name}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {about}
                  </Text>
                </Table.Td>
                {data.map((role) => (
                  <Table.Td key={role.name}>{role.permissions.includes(name) ? words.yes : words.none}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Modal opened={making} onClose={make.close} title={words.access.makeRole}>
        {making && <RoleForm permissions={permissions} onDone={make.close} />}
      </Modal>
    </Stack>
  );
}

function RoleForm({ permissions, onDone }: { permissions: readonly [string, string][]; onDone: () => void }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const save = useMutation({
    mutationFn: () =>
      body(
        api.PUT('/v1/roles/{role}', {
          params: { path: { role: name } },
          headers: once(),
          body: { permissions: chosen },
        }),
      ),
    onSuccess: () => {
      stale('roles');
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={words.access.roleName}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          pattern="[a-z][a-z0-9\-]{0,39}"
          description={words.access.roleNameHint}
          required
          data-autofocus
        />
        <Checkbox.Group label={words.access.permissions} value={chosen} onChange={setChosen}>
          <Stack gap={6} mt="xs">
            {permissions.map(([permission, about]) => (
              <Checkbox key={permission} value={permission} label={permission} description={about} />
            ))}
          </Stack>
        </Checkbox.Group>
        <ErrorBox error={save.error} />
        <Button type="submit" loading={save.isPending} disabled={chosen.length === 0}>
          {words.save}
        </Button>
      </Stack>
    </form>
  );
}
