// The integration control center: a card for each provider, with how it stands at a glance, and the form to enter or turn
// its keys.
import {
  Breadcrumbs,
  Button,
  Card,
  Group,
  Modal,
  Progress,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconExternalLink, IconPlugConnected, IconPlugConnectedX, IconSettings } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, body, once, type Schema } from '../api/client.ts';
import { integrations, type Place, queryClient } from '../api/queries.ts';
import { FormFoot } from '../parts/FormFoot.tsx';
import { LinkAnchor } from '../parts/links.tsx';
import { Ago, ErrorBox, Outward, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { SaveError } from '../parts/SealingNote.tsx';
import { SecretInput } from '../parts/SecretInput.tsx';
import { withSealed } from '../sealing/intake.ts';
import { words } from '../words.ts';

type Integration = Schema['Integration'];
type Field = Integration['fields'][number];

/** What stands in a field whose value is there and is to stay: values never come back to the page. */
const KEPT = '••••••••••••••••';
const ONE = '/v1/projects/{project}/environments/{environment}/secrets/{name}';
const ORDER: readonly Integration['status'][] = [
  'failing',
  'unreachable',
  'incomplete',
  'unchecked',
  'connected',
  'empty',
];

function stale(): void {
  for (const key of ['integrations', 'secrets', 'rotations', 'schedule'])
    void queryClient.invalidateQueries({ queryKey: [key] });
}

function useCheck(place: Place, names: readonly string[]) {
  const [done, setDone] = useState(0);
  const check = useMutation({
    mutationFn: async () => {
      setDone(0);
      const results = [];
      for (const name of names) {
        results.push(
          await body(
            api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/check', {
              params: { path: { ...place, name } },
            }),
          ),
        );
        setDone(results.length);
      }
      return results;
    },
    onSettled: stale,
  });
  return { check, done };
}

export function Integrations() {
  const place = usePlace();
  const may = useMay();
  const { data } = useSuspenseQuery(integrations(place));
  const [open, setOpen] = useState<string>();
  const sorted = data.toSorted(
    (a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.title.localeCompare(b.title),
  );
  const managed = data.find((one) => one.id === open);
  const checkable = data.flatMap((one) =>
    one.fields.filter((each) => each.current && each.checkable).map((each) => each.name),
  );
  const { check, done } = useCheck(place, checkable);
  return (
    <>
      <PageHead
        title={words.integrations.title}
        about={words.integrations.about}
        above={
          <Breadcrumbs mb={4}>
            <LinkAnchor to="/admin" size="sm">
              {words.integrations.admin}
            </LinkAnchor>
            <Text size="sm">{words.menu.settings}</Text>
          </Breadcrumbs>
        }
      >
        {may('validate') && checkable.length > 0 && (
          <Button
            loading={check.isPending}
            leftSection={<IconPlugConnected size={18} />}
            onClick={() => check.mutate()}
          >
            {words.integrations.validateAll}
          </Button>
        )}
      </PageHead>
      {check.isPending && (
        <Progress value={(done / checkable.length) * 100} mb="md" aria-label={words.integrations.validating} animated />
      )}
      <ErrorBox error={check.error} />
      <Glance all={data} />
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }} spacing="md">
        {sorted.map((one) => (
          <IntegrationCard key={one.id} place={place} integration={one} onManage={() => setOpen(one.id)} />
        ))}
      </SimpleGrid>
      <Modal
        opened={managed !== undefined}
        onClose={() => setOpen(undefined)}
        title={managed && words.integrations.manageTitle(managed.title)}
        size="lg"
      >
        {managed && (
          <ManageForm key={managed.id} place={place} integration={managed} onClose={() => setOpen(undefined)} />
        )}
      </Modal>
    </>
  );
}

/** All cards' state in one line. */
function Glance({ all }: { all: readonly Integration[] }) {
  return (
    <Group mb="md" gap="lg">
      {ORDER.map((status) => {
        const number = all.filter((one) => one.status === status).length;
        return number === 0 ? null : (
          <Group key={status} gap={6}>
            <State of={status} label={words.integrations.statuses[status]} />
            <Text size="sm" fw={600}>
              {number}
            </Text>
          </Group>
        );
      })}
    </Group>
  );
}

function IntegrationCard(props: { place: Place; integration: Integration; onManage: () => void }) {
  const { integration, place, onManage } = props;
  const may = useMay();
  const checkable = integration.fields.filter((one) => one.current && one.checkable).map((one) => one.name);
  const { check } = useCheck(place, checkable);
  const present = integration.fields.filter((one) => one.current);
  const wanting = integration.fields.filter((one) => !one.optional && !one.current);
  const found = integration.fields.find((one) => one.check?.status === 'refused') ?? present.find((one) => one.check);
  return (
    <Card component="section" aria-label={integration.title}>
      <Group justify="space-between" mb="xs" wrap="nowrap">
        <Title order={2} size="h4">
          {integration.title}
        </Title>
        <State of={integration.status} label={words.integrations.statuses[integration.status]} />
      </Group>
      <Stack gap={6} flex={1} mb="md">
        <Text size="sm">
          {words.integrations.present(present.length, integration.fields.length)}
          {wanting.length > 0 && ` ${words.integrations.wanting(wanting.map((one) => one.name).join(', '))}`}
        </Text>
        {found?.check && (
          <Text size="sm" c={found.check.status === 'refused' ? 'red' : 'dimmed'}>
            {found.check.detail}
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {words.integrations.checked} <Ago at={integration.checkedAt} never={words.integrations.neverChecked} />
        </Text>
        {integration.expiresAt !== null && (
          <Text size="sm" c="dimmed">
            {words.integrations.expires} <Ago at={integration.expiresAt} />
          </Text>
        )}
        <ErrorBox error={check.error} />
      </Stack>
      <Group gap="xs">
        {may('write') && (
          <Button size="xs" variant="default" leftSection={<IconSettings size={15} />} onClick={onManage}>
            {words.integrations.manage}
          </Button>
        )}
        {may('validate') && (
          <Button
            size="xs"
            variant="default"
            disabled={checkable.length === 0}
            loading={check.isPending}
            leftSection={
              integration.status === 'failing' ? <IconPlugConnectedX size={15} /> : <IconPlugConnected size={15} />
            }
            onClick={() => check.mutate()}
          >
            {words.integrations.validate}
          </Button>
        )}
        {integration.docs && (
          <Group gap={4} ml="auto" wrap="nowrap">
            <IconExternalLink size={14} aria-hidden />
            <Text size="sm">
              <Outward href={integration.docs}>{words.integrations.docs}</Outward>
            </Text>
          </Group>
        )}
      </Group>
    </Card>
  );
}

/** What saving one field does. */
type Change = 'keep' | 'set' | 'rotate' | 'describe' | 'clear';

function changeOf(field: Field, text: string): Change {
  if (!field.current) return text === '' ? 'keep' : 'set';
  if (text === KEPT) return 'keep';
  if (text === '') return field.optional ? 'clear' : 'keep';
  return field.secret ? 'rotate' : 'describe';
}

async function saveField(place: Place, field: Field, text: string): Promise<void> {
  const params = { path: { ...place, name: field.name } };
  const tag = field.current?.tag ?? '';
  const change = changeOf(field, text);
  if (change === 'keep') return;
  if (change === 'clear') {
    await body(api.DELETE(ONE, { params, headers: { ...once(), 'if-match': `"${tag}"` } }));
    return;
  }
  // A key that is in use turns with proof: the new one is tried at its provider before it replaces the old one.
  if (change === 'rotate') {
    await withSealed(place, field.name, text, (sealed) =>
      body(api.POST(`${ONE}/rotate`, { params, headers: once(), body: { sealed } })),
    );
    return;
  }
  const condition = change === 'set' ? { 'if-none-match': '*' } : { 'if-match': `"${tag}"` };
  await withSealed(place, field.name, text, (sealed) =>
    body(api.PUT(ONE, { params, headers: { ...once(), ...condition }, body: { sealed } })),
  );
}

function ManageForm(props: { place: Place; integration: Integration; onClose: () => void }) {
  const { place, integration, onClose } = props;
  const may = useMay();
  // The fields as they were when the form was opened: what somebody else changes meanwhile is a conflict, not a surprise.
  const [fields, setFields] = useState(integration.fields);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() => initial(integration.fields));
  const text = (field: Field) => texts[field.name] ?? '';
  const type = (name: string, to: string) => setTexts((before) => ({ ...before, [name]: to }));
  const save = useMutation({
    mutationFn: async () => {
      const changed = fields.filter((one) => changeOf(one, text(one)) !== 'keep');
      for (const field of changed) {
        await saveField(place, field, text(field));
        // What is saved is saved: where a later field fails, a second try does not repeat it.
        type(field.name, changeOf(field, text(field)) === 'clear' ? '' : KEPT);
        setFields((before) => before.map((one) => (one.name === field.name ? saved(one, text(field)) : one)));
      }
      return changed.length;
    },
    onSuccess: (count) => {
      notifications.show({ message: words.integrations.saved(integration.title, count), color: 'green' });
      onClose();
    },
    onSettled: stale,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const clearing = fields.filter((one) => changeOf(one, text(one)) === 'clear').map((one) => one.name);
  const turning = fields.filter((one) => changeOf(one, text(one)) === 'rotate').map((one) => one.name);
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {words.integrations.formAbout}
        </Text>
        {fields.map((field) => (
          <FieldInput key={field.name} field={field} text={text(field)} onText={(to) => type(field.name, to)} />
        ))}
        {turning.length > 0 && <Text size="sm">{words.integrations.turning(turning.join(', '))}</Text>}
        {clearing.length > 0 && (
          <Text size="sm" c="red">
            {words.integrations.clearing(clearing.join(', '))}
          </Text>
        )}
        <SaveError error={save.error} onAccepted={() => save.reset()} />
        <FormFoot submit={words.save} pending={save.isPending} disabled={!may('write')} onCancel={onClose} />
      </Stack>
    </form>
  );
}

function initial(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(fields.map((one) => [one.name, one.current ? KEPT : '']));
}

/** A field after its saving: what it is now comes with the next look at the server. */
function saved(field: Field, text: string): Field {
  return text === '' ? { ...field, current: null } : field;
}

function FieldInput({ field, text, onText }: { field: Field; text: string; onText: (to: string) => void }) {
  const label = `${field.name}${field.optional ? ` (${words.integrations.optional})` : ''}`;
  const hints = [field.purpose, field.formats.length > 0 ? words.integrations.format(field.formats.join(', ')) : ''];
  const common = {
    label,
    description: (
      <>
        {hints.filter((one) => one !== '').join(' · ')}{' '}
        {field.page && <Outward href={field.page}>{words.integrations.where}</Outward>}
      </>
    ),
    value: text,
    placeholder: field.optional ? words.integrations.blank : words.integrations.required,
    onChange: (event: { currentTarget: { value: string } }) => onText(typed(event.currentTarget.value)),
    onFocus: (event: { currentTarget: { select: () => void } }) => text === KEPT && event.currentTarget.select(),
  };
  const check = field.check && text === KEPT ? `${words.states[field.check.status]}: ${field.check.detail}` : undefined;
  return (
    <div>
      {field.secret ? <SecretInput {...common} /> : <TextInput {...common} autoComplete="off" />}
      {field.current && (
        <Text size="xs" c="dimmed" mt={4}>
          {words.integrations.inUse(field.current.version)} <Ago at={field.current.rotatedAt} />
          {check && ` · ${check}`}
        </Text>
      )}
    </div>
  );
}

/** Who types into what stands for the old value means a new one, not that with something added. */
function typed(text: string): string {
  return text === KEPT ? text : text.replaceAll('•', '');
}
