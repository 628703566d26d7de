// Rotating one secret: first what it would do, then state by state as it happens. A value that only a person can make is
// pasted here.
import { Button, Group, List, Modal, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, Problem } from '../api/client.ts';
import { type Place, providers, queryClient, secretFacts } from '../api/queries.ts';
import { withSealed } from '../sealing/intake.ts';
import { words } from '../words.ts';
import { FormFoot } from './FormFoot.tsx';
import { ErrorBox, Loading, Outward } from './Parts.tsx';
import { RotationSteps } from './RotationSteps.tsx';
import { SaveError } from './SealingNote.tsx';
import { SecretInput } from './SecretInput.tsx';

const HOUR_MS = 3_600_000;
const GRACES = [0, 1, 24, 72, 168] as const;
const ONE = '/v1/projects/{project}/environments/{environment}/secrets/{name}/rotate';

interface Props {
  readonly place: Place;
  readonly name: string;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function RotateModal(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={words.rotate.title(props.name)} size="lg">
      {props.opened && <RotateForm {...props} />}
    </Modal>
  );
}

function RotateForm({ place, name, onClose }: Props) {
  const plan = useQuery({
    queryKey: ['plan', place, name],
    queryFn: () =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/rotate/plan', {
          params: { path: { ...place, name } },
          body: {},
        }),
      ),
    staleTime: 0,
  });
  const [value, setValue] = useState('');
  const [grace, setGrace] = useState<string | null>(null);
  const [approval, setApproval] = useState<string>();
  const params = { path: { ...place, name } };
  const given = grace === null ? {} : { graceMs: Number(grace) * HOUR_MS };
  const headers = { ...once(), ...(approval !== undefined && { 'keyturn-approval': approval }) };
  const turn = useMutation({
    mutationFn: () =>
      value === ''
        ? body(api.POST(ONE, { params, headers, body: given }))
        : withSealed(place, name, value, (sealed) =>
            body(api.POST(ONE, { params, headers, body: { ...given, sealed } })),
          ),
    onError: (error) => {
      if (error instanceof Problem && error.approval !== undefined) setApproval(error.approval);
    },
    onSettled: () => {
      for (const key of ['secrets', 'rotations', 'schedule', 'integrations'])
        void queryClient.invalidateQueries({ queryKey: [key] });
    },
  });
  if (plan.isPending) return <Loading rows={3} />;
  if (plan.error) return <ErrorBox error={plan.error} />;
  if (turn.data) return <Done place={place} result={turn.data} onClose={onClose} />;
  const needed = !plan.data.byItself;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    turn.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <List size="sm" spacing={4}>
          <List.Item>{words.rotate.maker(plan.data.maker, plan.data.fromVersion + 1)}</List.Item>
          {plan.data.destinations.length > 0 && (
            <List.Item>{words.rotate.destinations(plan.data.destinations.join(', '))}</List.Item>
          )}
          {plan.data.services.length > 0 && (
            <List.Item>{words.rotate.services(plan.data.services.join(', '))}</List.Item>
          )}
          <List.Item>{words.rotate.proof}</List.Item>
        </List>
        {needed && <WhereToMake place={place} name={name} />}
        <SecretInput
          label={needed ? words.rotate.paste : words.rotate.pasteInstead}
          description={words.values.sealed}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          required={needed}
        />
        <Select
          label={words.rotate.grace}
          description={words.rotate.graceHint}
          data={GRACES.map((hours) => ({ value: String(hours), label: words.rotate.graces[hours] ?? '' }))}
          placeholder={words.rotate.graceOf(Math.round(plan.data.graceMs / HOUR_MS))}
          value={grace}
          onChange={setGrace}
          clearable
        />
        <SaveError error={turn.error} onAccepted={() => turn.reset()} />
        <FormFoot submit={words.rotate.submit} pending={turn.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}

/** The provider's page, and what to do there. */
export function WhereToMake({ place, name }: { place: Place; name: string }) {
  const secret = useQuery(secretFacts(place, name));
  const all = useQuery(providers);
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: () => body(api.GET('/v1/catalog')) });
  const title = catalog.data?.known.find((one) => one.name === name.toUpperCase())?.provider;
  const kind = all.data
    ?.find((one) => one.title === title)
    ?.kinds.find((one) => one.type === secret.data?.type || one.type === '*');
  if (!kind) return null;
  return (
    <Text size="sm">
      {kind.words} <Outward href={kind.page}>{words.rotate.page(title ?? '')}</Outward>
    </Text>
  );
}

function Done(props: {
  place: Place;
  result: {
    id: string;
    name: string;
    state: string;
    version: number;
    previousValidUntil: number | null;
    trouble: string | null;
    warnings: string[];
  };
  onClose: () => void;
}) {
  const { result, onClose } = props;
  return (
    <Stack>
      <RotationSteps state={result.state} />
      <Text size="sm">{words.rotate.done(result.name, result.version, result.previousValidUntil)}</Text>
      {result.trouble && <Text size="sm">{words.rotate.trouble(result.trouble)}</Text>}
      {result.warnings.map((one) => (
        <Text key={one} size="sm">
          {one}
        </Text>
      ))}
      <Group justify="flex-end">
        <Button onClick={onClose}>{words.close}</Button>
      </Group>
    </Stack>
  );
}

/** Bringing an earlier value back, as a new version. */
export function useRollback(place: Place, name: string) {
  return useMutation({
    mutationFn: (version: number | undefined) =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/rollback', {
          params: { path: { ...place, name } },
          headers: once(),
          body: version === undefined ? {} : { version },
        }),
      ),
    onSettled: () => {
      for (const key of ['secrets', 'rotations', 'integrations'])
        void queryClient.invalidateQueries({ queryKey: [key] });
    },
  });
}
