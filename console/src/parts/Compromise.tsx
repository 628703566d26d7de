// "This value is in wrong hands": the guide's emergency procedure as one act, which turns the secret at once, ends the old
// value, freezes who may read it, and opens the incident in which the rest is walked through.
import { List, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, body, once } from '../api/client.ts';
import { type Place, queryClient } from '../api/queries.ts';
import { withSealed } from '../sealing/intake.ts';
import { words } from '../words.ts';
import { FormFoot } from './FormFoot.tsx';
import { WhereToMake } from './Rotate.tsx';
import { SaveError } from './SealingNote.tsx';
import { SecretInput } from './SecretInput.tsx';

const ONE = '/v1/projects/{project}/environments/{environment}/secrets/{name}/compromise';
const FREEZE = ['named', 'all', 'none'] as const;
type Freeze = (typeof FREEZE)[number];

interface Props {
  readonly place: Place;
  readonly name: string;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function CompromiseModal(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={words.compromise.title(props.name)} size="lg">
      {props.opened && <Form {...props} />}
    </Modal>
  );
}

function Form({ place, name, onClose }: Props) {
  const navigate = useNavigate();
  const plan = useQuery({
    queryKey: ['plan', place, name],
    queryFn: () =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/rotate/plan', {
          params: { path: { ...place, name } },
          body: {},
        }),
      ),
  });
  const [why, setWhy] = useState('');
  const [freeze, setFreeze] = useState<Freeze>('named');
  const [value, setValue] = useState('');
  const params = { path: { ...place, name } };
  const given = { freeze, ...(why !== '' && { why }) };
  const begin = useMutation({
    mutationFn: () =>
      value === ''
        ? body(api.POST(ONE, { params, headers: once(), body: given }))
        : withSealed(place, name, value, (sealed) =>
            body(api.POST(ONE, { params, headers: once(), body: { ...given, sealed } })),
          ),
    onSuccess: (result) => {
      for (const key of ['secrets', 'rotations', 'incidents', 'alerts', 'tokens'])
        void queryClient.invalidateQueries({ queryKey: [key] });
      void navigate({ to: '/admin/incidents/$id', params: { id: result.incident } });
    },
  });
  const byHand = plan.data?.byItself === false;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{words.compromise.about}</Text>
        <List size="sm" type="ordered">
          {words.compromise.steps.map((step) => (
            <List.Item key={step}>{step}</List.Item>
          ))}
        </List>
        <TextInput
          label={words.compromise.why}
          placeholder={words.compromise.whyExample}
          maxLength={500}
          value={why}
          onChange={(event) => setWhy(event.currentTarget.value)}
          data-autofocus
        />
        <Select
          label={words.compromise.freeze}
          data={FREEZE.map((one) => ({ value: one, label: words.compromise.freezes[one] }))}
          value={freeze}
          onChange={(one) => setFreeze(FREEZE.find((each) => each === one) ?? 'named')}
          allowDeselect={false}
        />
        {byHand && (
          <>
            <WhereToMake place={place} name={name} />
            <SecretInput
              label={words.rotate.paste}
              description={words.compromise.pasteLater}
              value={value}
              onChange={(event) => setValue(event.currentTarget.value)}
            />
          </>
        )}
        <SaveError error={begin.error} onAccepted={() => begin.reset()} />
        <FormFoot submit={words.compromise.submit} pending={begin.isPending} danger onCancel={onClose} />
      </Stack>
    </form>
  );
}
