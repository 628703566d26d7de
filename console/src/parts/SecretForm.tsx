// Adding a secret, giving one a new value, and describing it. Nothing that was typed is lost where saving fails, and who
// would overwrite what somebody else has just changed is told first.
import { Autocomplete, Button, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, Problem, type Schema } from '../api/client.ts';
import { catalog, type Place, queryClient } from '../api/queries.ts';
import { withSealed } from '../sealing/intake.ts';
import { words } from '../words.ts';
import { FormFoot } from './FormFoot.tsx';
import { ErrorBox } from './Parts.tsx';
import { SaveError } from './SealingNote.tsx';
import { SecretInput } from './SecretInput.tsx';

type Secret = Schema['Secret'];

const ONE = '/v1/projects/{project}/environments/{environment}/secrets/{name}';

function stale(): void {
  for (const key of ['secrets', 'integrations', 'schedule', 'rotations'])
    void queryClient.invalidateQueries({ queryKey: [key] });
}

export function AddSecretModal(props: { place: Place; opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={words.add.title} size="lg">
      {props.opened && <AddForm {...props} />}
    </Modal>
  );
}

/** Random bytes as the catalogue makes them: 256 bits, URL-safe. */
function madeUp(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(36));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

function AddForm({ place, onClose }: { place: Place; onClose: () => void }) {
  const { data: known } = useSuspenseQuery(catalog);
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [type, setType] = useState<string | null>(null);
  const [owner, setOwner] = useState('');
  const found = known.known.find((one) => one.name === name.toUpperCase());
  const generated = known.types.find((one) => one.name === (type ?? found?.type ?? 'generic'))?.generated === true;
  const save = useMutation({
    mutationFn: () =>
      withSealed(place, name, value, (sealed) =>
        body(
          api.PUT(ONE, {
            params: { path: { ...place, name } },
            headers: { ...once(), 'if-none-match': '*' },
            body: { sealed, ...(type !== null && { type }), ...(owner !== '' && { owner }) },
          }),
        ),
      ),
    onSuccess: () => {
      stale();
      notifications.show({ message: words.add.done(name), color: 'green' });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {words.add.about(place.environment)}
        </Text>
        <Autocomplete
          label={words.fields.name}
          description={found?.purpose}
          placeholder={words.add.nameExample}
          data={known.known.map((one) => one.name)}
          limit={8}
          value={name}
          onChange={setName}
          maxLength={200}
          required
          data-autofocus
        />
        <Stack gap={4}>
          <SecretInput
            label={words.fields.value}
            description={words.values.sealed}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
            required
          />
          {generated && (
            <Button variant="subtle" size="compact-sm" w="fit-content" onClick={() => setValue(madeUp())}>
              {words.values.make}
            </Button>
          )}
        </Stack>
        <Group grow align="flex-start">
          <Select
            label={words.fields.type}
            placeholder={words.fields.typeByName}
            data={known.types.map((one) => ({ value: one.name, label: one.title }))}
            value={type}
            onChange={setType}
            clearable
          />
          <TextInput
            label={words.fields.owner}
            value={owner}
            onChange={(event) => setOwner(event.currentTarget.value)}
            maxLength={200}
          />
        </Group>
        <SaveError error={save.error} onAccepted={() => save.reset()} />
        <FormFoot submit={words.add.submit} pending={save.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}

interface OfSecret {
  readonly place: Place;
  readonly secret: Secret;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function ValueModal(props: OfSecret) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={words.newValue.title(props.secret.name)} size="lg">
      {props.opened && <ValueForm {...props} />}
    </Modal>
  );
}

/** What the page had seen is what is changed: the tag of the moment when the form was opened. */
function ValueForm({ place, secret, onClose }: OfSecret) {
  const [tag] = useState(secret.tag);
  const [value, setValue] = useState('');
  const save = useMutation({
    mutationFn: (match: string) =>
      withSealed(place, secret.name, value, (sealed) =>
        body(
          api.PUT(ONE, {
            params: { path: { ...place, name: secret.name } },
            headers: { ...once(), 'if-match': match },
            body: { sealed },
          }),
        ),
      ),
    onSuccess: ({ version, outcome }) => {
      stale();
      const message = outcome === 'unchanged' ? words.newValue.same : words.newValue.done(secret.name, version);
      notifications.show({ message, color: 'green' });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(`"${tag}"`);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {words.newValue.about}
        </Text>
        <SecretInput
          label={words.fields.value}
          description={words.values.sealed}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          required
          data-autofocus
        />
        <Overwrite error={save.error} onOverwrite={() => save.mutate('*')} onAccepted={() => save.reset()} />
        <FormFoot submit={words.newValue.submit} pending={save.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}

/** Two people at one secret: the second is told, and decides. */
function Overwrite(props: { error: unknown; onOverwrite: () => void; onAccepted: () => void }) {
  const { error } = props;
  if (!(error instanceof Problem) || error.code !== 'KT_PRECONDITION_FAILED')
    return <SaveError error={error} onAccepted={props.onAccepted} />;
  return (
    <ErrorBox error={error}>
      <Text size="sm" mt="xs">
        {words.conflict.about}
      </Text>
      <Button mt="xs" size="xs" color="red" variant="light" onClick={props.onOverwrite}>
        {words.conflict.overwrite}
      </Button>
    </ErrorBox>
  );
}

export function DescribeModal(props: OfSecret) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={words.describe.title(props.secret.name)}>
      {props.opened && <DescribeForm {...props} />}
    </Modal>
  );
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, label]) => `${key}=${label}`)
    .join(', ');
}

function labelsFrom(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const [key = '', ...rest] = one.split('=');
      return [key.trim(), rest.join('=').trim()] as const;
    });
  return Object.fromEntries(pairs);
}

function DescribeForm({ place, secret, onClose }: OfSecret) {
  const { data: known } = useSuspenseQuery(catalog);
  const [tag] = useState(secret.tag);
  const [type, setType] = useState(secret.type);
  const [days, setDays] = useState<number | string>(secret.intervalDays ?? '');
  const [owner, setOwner] = useState(secret.owner ?? '');
  const [labels, setLabels] = useState(labelsText(secret.labels));
  const save = useMutation({
    mutationFn: (match: string) =>
      body(
        api.PATCH(ONE, {
          params: { path: { ...place, name: secret.name } },
          headers: { ...once(), 'if-match': match },
          body: {
            type,
            intervalDays: typeof days === 'number' ? days : null,
            owner: owner === '' ? null : owner,
            labels: labelsFrom(labels),
          },
        }),
      ),
    onSuccess: () => {
      stale();
      notifications.show({ message: words.describe.done(secret.name), color: 'green' });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(`"${tag}"`);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Select
          label={words.fields.type}
          data={known.types.map((one) => ({ value: one.name, label: one.title }))}
          value={type}
          onChange={(chosen) => chosen && setType(chosen)}
          allowDeselect={false}
        />
        <NumberInput
          label={words.fields.interval}
          description={words.fields.intervalHint}
          min={1}
          max={3650}
          allowDecimal={false}
          value={days}
          onChange={setDays}
        />
        <TextInput
          label={words.fields.owner}
          value={owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
          maxLength={200}
        />
        <TextInput
          label={words.fields.labels}
          description={words.fields.labelsHint}
          value={labels}
          onChange={(event) => setLabels(event.currentTarget.value)}
        />
        <Overwrite error={save.error} onOverwrite={() => save.mutate('*')} onAccepted={() => save.reset()} />
        <FormFoot submit={words.save} pending={save.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}
