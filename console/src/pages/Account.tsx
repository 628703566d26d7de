// One's own account: sessions, passkeys, the second factor, the password.
import {
  Badge,
  Button,
  Card,
  Code,
  Group,
  Modal,
  PasswordInput,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconLogout } from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { api, authRequest, body, Problem } from '../api/client.ts';
import { queryClient, sessions, whoami } from '../api/queries.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { Ago, ErrorBox, Loading, PageHead } from '../parts/Parts.tsx';
import { signOut } from '../shell/session.ts';
import { words } from '../words.ts';

const QrCode = lazy(() => import('../parts/QrCode.tsx').then((one) => ({ default: one.QrCode })));

export function Account() {
  const { data: me } = useSuspenseQuery(whoami);
  return (
    <>
      <PageHead title={words.account.title} about={me.person ? `${me.person.name} · ${me.person.email}` : me.principal}>
        <Button variant="default" leftSection={<IconLogout size={18} />} onClick={() => void signOut()}>
          {words.account.signOut}
        </Button>
      </PageHead>
      <SimpleGrid cols={{ base: 1, lg: 2 }} mb="lg">
        <TwoFactor on={me.person?.twoFactor === true} />
        <Passkeys />
        <Password />
      </SimpleGrid>
      <Sessions />
    </>
  );
}

function Sessions() {
  const { data } = useSuspenseQuery(sessions);
  const end = useMutation({
    mutationFn: (id: string) => body(api.DELETE('/v1/sessions/{id}', { params: { path: { id } } })),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['sessions'] }),
  });
  return (
    <Card component="section">
      <Title order={2} mb="sm">
        {words.account.sessions}
      </Title>
      <ErrorBox error={end.error} />
      <ListTable width={560} columns={words.account.sessionColumns} actions>
        {data.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td>
              <Ago at={one.createdAt} />
            </Table.Td>
            <Table.Td>
              <Ago at={one.expiresAt} />
            </Table.Td>
            <Table.Td className="mono">{one.address}</Table.Td>
            <Table.Td>
              <Text size="sm" lineClamp={2} maw={380}>
                {one.client}
              </Text>
            </Table.Td>
            <Table.Td>
              {one.current ? (
                <Badge color="green">{words.account.current}</Badge>
              ) : (
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => end.mutate(one.id)}>
                  {words.account.end}
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </Card>
  );
}

interface Enrolment {
  readonly totpURI: string;
  readonly backupCodes: readonly string[];
}

function TwoFactor({ on }: { on: boolean }) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Card component="section">
      <Group justify="space-between" mb="xs">
        <Title order={2}>{words.account.twoFactor}</Title>
        <Badge color={on ? 'green' : 'orange'}>{on ? words.account.on : words.account.off}</Badge>
      </Group>
      <Text size="sm" c="dimmed" mb="md">
        {words.account.twoFactorAbout}
      </Text>
      <Button w="fit-content" variant={on ? 'default' : 'filled'} onClick={open}>
        {on ? words.account.turnOff : words.account.turnOn}
      </Button>
      <Modal opened={opened} onClose={close} title={words.account.twoFactor}>
        {opened && (on ? <TurnOff onDone={close} /> : <TurnOn onDone={close} />)}
      </Modal>
    </Card>
  );
}

function usePasswordStep<T>(act: (password: string) => Promise<T>, onSuccess: (result: T) => void) {
  const [password, setPassword] = useState('');
  const step = useMutation({ mutationFn: () => act(password), onSuccess });
  const form = (label: string) => (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        step.mutate();
      }}
    >
      <Stack>
        <PasswordInput
          label={words.signIn.password}
          description={words.account.confirm}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          data-autofocus
        />
        <ErrorBox error={step.error} />
        <Button type="submit" loading={step.isPending}>
          {label}
        </Button>
      </Stack>
    </form>
  );
  return { form };
}

function TurnOff({ onDone }: { onDone: () => void }) {
  const { form } = usePasswordStep(
    (password) => authRequest('/two-factor/disable', { password }),
    () => {
      void queryClient.invalidateQueries({ queryKey: ['whoami'] });
      onDone();
    },
  );
  return form(words.account.turnOff);
}

function TurnOn({ onDone }: { onDone: () => void }) {
  const [enrolment, setEnrolment] = useState<Enrolment>();
  const [code, setCode] = useState('');
  const { form } = usePasswordStep(
    (password) => authRequest<Enrolment>('/two-factor/enable', { password }),
    setEnrolment,
  );
  const verify = useMutation({
    mutationFn: () => authRequest('/two-factor/verify-totp', { code }),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['whoami'] });
      notifications.show({ message: words.account.twoFactorOn, color: 'green' });
      onDone();
    },
  });
  if (!enrolment) return form(words.account.goOn);
  const secret = new URL(enrolment.totpURI).searchParams.get('secret') ?? '';
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        verify.mutate();
      }}
    >
      <Stack>
        <Text size="sm">{words.account.scan}</Text>
        <Suspense fallback={<Loading rows={3} />}>
          <QrCode text={enrolment.totpURI} label={words.account.qr} />
        </Suspense>
        <Text size="sm">
          {words.account.orType} <Code>{secret}</Code>
        </Text>
        <Text size="sm">{words.account.backupCodes}</Text>
        <Code block>{enrolment.backupCodes.join('\n')}</Code>
        <TextInput
          label={words.signIn.code}
          inputMode="numeric"
          autoComplete="one-time-code"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          required
        />
        <ErrorBox error={verify.error} />
        <Button type="submit" loading={verify.isPending}>
          {words.account.turnOn}
        </Button>
      </Stack>
    </form>
  );
}

interface Passkey {
  readonly id: string;
  readonly name?: string | null;
  readonly createdAt?: string | null;
}

function Passkeys() {
  const found = useQuery({
    queryKey: ['passkeys'],
    queryFn: () => authRequest<readonly Passkey[]>('/passkey/list-user-passkeys'),
  });
  const [name, setName] = useState('');
  const stale = () => void queryClient.invalidateQueries({ queryKey: ['passkeys'] });
  const add = useMutation({
    mutationFn: async () => {
      const options = await authRequest<PublicKeyCredentialCreationOptionsJSON>('/passkey/generate-register-options');
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      let credential: Credential | null;
      try {
        credential = await navigator.credentials.create({ publicKey });
      } catch {
        throw new Problem(0, { code: 'passkey', detail: words.account.passkeyFailed });
      }
      if (!(credential instanceof PublicKeyCredential)) throw new Problem(0, { detail: words.account.passkeyFailed });
      await authRequest('/passkey/verify-registration', { response: credential.toJSON(), name: name || undefined });
    },
    onSuccess: () => {
      setName('');
      stale();
    },
  });
  const remove = useMutation({
    mutationFn: (id: string) => authRequest('/passkey/delete-passkey', { id }),
    onSettled: stale,
  });
  return (
    <Card component="section">
      <Title order={2} mb="xs">
        {words.account.passkeys}
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        {words.account.passkeysAbout}
      </Text>
      <Stack gap="xs" mb="md">
        {found.data?.map((one) => (
          <Group key={one.id} justify="space-between">
            <Text size="sm">{one.name || words.account.passkey}</Text>
            <Button size="compact-sm" variant="subtle" color="red" onClick={() => remove.mutate(one.id)}>
              {words.access.remove}
            </Button>
          </Group>
        ))}
        {found.data?.length === 0 && <Text size="sm">{words.account.noPasskeys}</Text>}
      </Stack>
      <ErrorBox error={found.error ?? add.error ?? remove.error} />
      <Group align="flex-end" wrap="nowrap">
        <TextInput
          label={words.account.passkeyName}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          flex={1}
        />
        <Button loading={add.isPending} onClick={() => add.mutate()}>
          {words.account.addPasskey}
        </Button>
      </Group>
    </Card>
  );
}

function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation({
    mutationFn: () =>
      authRequest('/change-password', { currentPassword: current, newPassword: next, revokeOtherSessions: true }),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      void queryClient.invalidateQueries({ queryKey: ['sessions'] });
      notifications.show({ message: words.account.passwordChanged, color: 'green' });
    },
  });
  return (
    <Card component="section">
      <Title order={2} mb="xs">
        {words.signIn.password}
      </Title>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack>
          <PasswordInput
            label={words.account.currentPassword}
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            required
          />
          <PasswordInput
            label={words.account.newPassword}
            description={words.join.passwordHint}
            autoComplete="new-password"
            minLength={12}
            maxLength={256}
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
            required
          />
          <ErrorBox error={change.error} />
          <Button type="submit" variant="default" w="fit-content" loading={change.isPending}>
            {words.account.changePassword}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
