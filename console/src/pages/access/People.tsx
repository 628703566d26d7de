// People, with their roles, and who was invited.
import { Badge, Button, Card, Group, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconMailPlus } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, type Schema } from '../../api/client.ts';
import { invitations, people, roles, whoami } from '../../api/queries.ts';
import { Confirm } from '../../parts/Confirm.tsx';
import { ListTable } from '../../parts/ListTable.tsx';
import { Ago, ErrorBox } from '../../parts/Parts.tsx';
import { useMay, usePlace } from '../../parts/place.ts';
import { ShownOnce } from '../../parts/Shown.tsx';
import { words } from '../../words.ts';
import { stale } from './stale.ts';
import { WherePicker, whereText } from './where.tsx';

type Person = Schema['Person'];

export function People() {
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
      <ListTable width={620} columns={words.access.peopleColumns} actions>
        {found.data.map((one) => (
          <PersonRow key={one.id} person={one} me={one.id === me.person?.id} onGive={() => setGiven(one)} />
        ))}
      </ListTable>
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
        <Confirm
          opened={removing}
          title={words.access.removeTitle(person.name)}
          about={words.access.removeAbout}
          submit={words.access.remove}
          danger
          pending={gone.isPending}
          error={gone.error}
          onConfirm={() => gone.mutate()}
          onClose={remove.close}
        />
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
