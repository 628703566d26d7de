// Where a one-time link leads: the first owner, an invitation, or the recovery of an account. The link's secret is behind
// the #, which a browser sends to nobody.
import { Button, Loader, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, authRequest, body, Problem } from '../api/client.ts';
import { ErrorBox } from '../parts/Parts.tsx';
import { Plain } from '../parts/Plain.tsx';
import { signedIn } from '../shell/session.ts';
import { words } from '../words.ts';

const MIN_PASSWORD = 12;

export function Join() {
  const [link] = useState(() => window.location.hash.slice(1));
  const looked = useQuery({
    queryKey: ['join'],
    queryFn: () => {
      if (link.length < 20) throw new Problem(0, { detail: words.join.noLink });
      return body(api.POST('/v1/join/look', { body: { link } }));
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (looked.isPending) {
    return (
      <Plain title={words.join.looking}>
        <Loader />
      </Plain>
    );
  }
  if (looked.error) {
    return (
      <Plain title={words.join.nowhere}>
        <ErrorBox error={looked.error} />
      </Plain>
    );
  }
  return <JoinForm link={link} kind={looked.data.kind} email={looked.data.email} />;
}

function JoinForm({ link, kind, email: given }: { link: string; kind: string; email: string | null }) {
  const navigate = useNavigate();
  const [email, setEmail] = useState(given ?? '');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const join = useMutation({
    mutationFn: async () => {
      const made = await body(
        api.POST('/v1/join', { body: { link, name, password, ...(given === null && { email }) } }),
      );
      // It is used up: the address need not keep it.
      window.history.replaceState(null, '', window.location.pathname);
      await authRequest('/sign-in/email', { email: made.email, password });
      await signedIn();
    },
    onSuccess: () => navigate({ to: kind === 'owner' ? '/admin/welcome' : '/admin' }),
  });
  const differs = again !== '' && again !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password === again) join.mutate();
  };
  return (
    <Plain title={words.join.titles[kind] ?? words.join.nowhere} about={words.join.about[kind]}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={words.signIn.email}
            type="email"
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            readOnly={given !== null}
            required
            autoFocus={given === null}
          />
          <TextInput
            label={words.join.name}
            autoComplete="name"
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            autoFocus={given !== null}
          />
          <PasswordInput
            label={words.join.password}
            description={words.join.passwordHint}
            autoComplete="new-password"
            minLength={MIN_PASSWORD}
            maxLength={256}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            required
          />
          <PasswordInput
            label={words.join.again}
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            error={differs ? words.join.differ : undefined}
            required
          />
          <ErrorBox error={join.error} />
          <Button type="submit" loading={join.isPending} disabled={differs}>
            {words.join.submit}
          </Button>
        </Stack>
      </form>
    </Plain>
  );
}
