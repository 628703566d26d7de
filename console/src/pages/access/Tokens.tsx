// Machine tokens: shown once, rotated, thawed, revoked.
import { Button, Group, Modal, MultiSelect, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, type Schema } from '../../api/client.ts';
import { tokens } from '../../api/queries.ts';
import { ListTable } from '../../parts/ListTable.tsx';
import { Ago, Empty, ErrorBox, Loading, State } from '../../parts/Parts.tsx';
import { useMay, usePlace } from '../../parts/place.ts';
import { ShownOnce } from '../../parts/Shown.tsx';
import { words } from '../../words.ts';
import { stale } from './stale.ts';
import { WherePicker, whereText } from './where.tsx';

type Token = Schema['Token'];

export function Tokens() {
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
        <ListTable width={820} columns={words.access.tokenColumns} actions>
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
        </ListTable>
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
