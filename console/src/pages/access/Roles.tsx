// Roles and what each may do; custom ones are made here.
import { Button, Checkbox, Modal, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once } from '../../api/client.ts';
import { policy, roles } from '../../api/queries.ts';
import { ErrorBox } from '../../parts/Parts.tsx';
import { useMay } from '../../parts/place.ts';
import { words } from '../../words.ts';
import { stale } from './stale.ts';

export function Roles() {
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
