// Signing in: email and password, then a second factor where there is one; or a passkey; or single sign-on.
import { Anchor, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { IconFingerprint, IconKey } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, authRequest, body, Problem } from '../api/client.ts';
import { words } from '../words.ts';
import { ErrorBox } from './Parts.tsx';

interface Props {
  /** Whose sign-in it has to be, where that is known. */
  readonly email?: string | undefined;
  readonly onDone: () => void;
}

async function byPasskey(): Promise<void> {
  const options = await authRequest<PublicKeyCredentialRequestOptionsJSON>('/passkey/generate-authenticate-options');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.get({ publicKey });
  } catch {
    throw new Problem(0, { code: 'passkey', detail: words.signIn.passkeyFailed, next: words.signIn.passkeyNext });
  }
  if (!(credential instanceof PublicKeyCredential)) throw new Problem(0, { detail: words.signIn.passkeyFailed });
  await authRequest('/passkey/verify-authentication', { response: credential.toJSON() });
}

export function SignInForm({ email: known, onDone }: Props) {
  const methods = useQuery({ queryKey: ['sign-in'], queryFn: () => body(api.GET('/v1/sign-in')), staleTime: 60_000 });
  const [email, setEmail] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [second, setSecond] = useState<'none' | 'totp' | 'backup'>('none');
  const [code, setCode] = useState('');
  const enter = useMutation({
    mutationFn: async () => {
      if (second !== 'none') {
        await authRequest(second === 'totp' ? '/two-factor/verify-totp' : '/two-factor/verify-backup-code', { code });
        return true;
      }
      const answer = await authRequest<{ twoFactorRedirect?: boolean }>('/sign-in/email', { email, password });
      if (answer.twoFactorRedirect) setSecond('totp');
      return answer.twoFactorRedirect !== true;
    },
    onSuccess: (done) => done && onDone(),
  });
  const passkey = useMutation({ mutationFn: byPasskey, onSuccess: onDone });
  const single = useMutation({
    mutationFn: async () => {
      const callbackURL = window.location.pathname + window.location.search;
      const { url } = await authRequest<{ url: string }>('/sign-in/social', { provider: 'oidc', callbackURL });
      window.location.assign(url);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate();
  };
  if (second !== 'none') {
    return (
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={second === 'totp' ? words.signIn.code : words.signIn.backupCode}
            description={second === 'totp' ? words.signIn.codeHint : undefined}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            inputMode={second === 'totp' ? 'numeric' : 'text'}
            required
            data-autofocus
            autoFocus
          />
          <ErrorBox error={enter.error} />
          <Button type="submit" loading={enter.isPending}>
            {words.signIn.submit}
          </Button>
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => setSecond(second === 'totp' ? 'backup' : 'totp')}
          >
            {second === 'totp' ? words.signIn.useBackup : words.signIn.useCode}
          </Anchor>
        </Stack>
      </form>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        {methods.data?.owned === false && (
          <Text size="sm" c="dimmed">
            {words.signIn.notOwned}
          </Text>
        )}
        <TextInput
          label={words.signIn.email}
          type="email"
          autoComplete="username webauthn"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          readOnly={known !== undefined}
          required
          {...(known === undefined && { 'data-autofocus': true, autoFocus: true })}
        />
        <PasswordInput
          label={words.signIn.password}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          {...(known !== undefined && { 'data-autofocus': true })}
        />
        <ErrorBox error={enter.error ?? passkey.error ?? single.error} />
        <Button type="submit" loading={enter.isPending}>
          {words.signIn.submit}
        </Button>
        <Divider label={words.signIn.or} />
        <Button
          variant="default"
          leftSection={<IconFingerprint size={18} />}
          loading={passkey.isPending}
          onClick={() => passkey.mutate()}
        >
          {words.signIn.passkey}
        </Button>
        {methods.data?.singleSignOn && (
          <Button
            variant="default"
            leftSection={<IconKey size={18} />}
            loading={single.isPending}
            onClick={() => single.mutate()}
          >
            {words.signIn.single}
          </Button>
        )}
      </Stack>
    </form>
  );
}
