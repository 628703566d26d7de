// The secrets of an environment: search, filters, and the table.
import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { IconFileImport, IconFilterOff, IconKey, IconPlus, IconSearch } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { catalog, SECRET_STATES, type SecretState } from '../api/queries.ts';
import { LinkButton } from '../parts/links.tsx';
import { Empty, PageHead } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { AddSecretModal } from '../parts/SecretForm.tsx';
import { SecretTable } from '../parts/SecretTable.tsx';
import { secretsRoute } from '../router.tsx';
import { words } from '../words.ts';

function isState(text: string | undefined): text is SecretState {
  return SECRET_STATES.some((one) => one === text);
}

export function Secrets() {
  const place = usePlace();
  const may = useMay();
  const navigate = useNavigate();
  const { data: known } = useSuspenseQuery(catalog);
  const given = secretsRoute.useSearch();
  const state = isState(given.state) ? given.state : 'any';
  const type = given.type ?? '';
  const [text, setText] = useState(given.q ?? '');
  const [searched] = useDebouncedValue(text.trim(), 200);
  const [adding, add] = useDisclosure();
  const set = (change: Record<string, string | undefined>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was typed is written into the address
  useEffect(() => {
    if (searched !== (given.q ?? '')) set({ q: searched || undefined });
  }, [searched]);
  const filtered = searched !== '' || type !== '' || state !== 'any';
  const clear = () => {
    setText('');
    set({ q: undefined, type: undefined, state: undefined });
  };
  return (
    <>
      <PageHead title={words.secrets.title} about={words.secrets.about(place.environment)}>
        {may('write') && (
          <>
            <LinkButton variant="default" leftSection={<IconFileImport size={18} />} to="/admin/import">
              {words.secrets.import}
            </LinkButton>
            <Button leftSection={<IconPlus size={18} />} onClick={add.open}>
              {words.secrets.add}
            </Button>
          </>
        )}
      </PageHead>
      <Group mb="md" gap="sm">
        <TextInput
          aria-label={words.secrets.search}
          placeholder={words.secrets.search}
          leftSection={<IconSearch size={17} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex="1 1 220px"
        />
        <Select
          aria-label={words.fields.type}
          placeholder={words.secrets.everyType}
          data={known.types.map((one) => ({ value: one.name, label: one.title }))}
          value={type || null}
          onChange={(value) => set({ type: value ?? undefined })}
          clearable
          w={190}
        />
        <Select
          aria-label={words.fields.state}
          data={SECRET_STATES.map((one) => ({ value: one, label: words.secrets.states[one] }))}
          value={state}
          onChange={(value) => set({ state: value === 'any' ? undefined : (value ?? undefined) })}
          allowDeselect={false}
          w={170}
        />
      </Group>
      <SecretTable
        place={place}
        search={{ text: searched, type, state }}
        empty={
          filtered ? (
            <Empty
              icon={IconFilterOff}
              title={words.secrets.nothingFound}
              action={<Button onClick={clear}>{words.secrets.clear}</Button>}
            />
          ) : (
            <Empty
              icon={IconKey}
              title={words.secrets.emptyTitle(place.environment)}
              action={
                may('write') && (
                  <Group>
                    <LinkButton to="/admin/import" leftSection={<IconFileImport size={18} />}>
                      {words.secrets.import}
                    </LinkButton>
                    <Button variant="default" onClick={add.open}>
                      {words.secrets.add}
                    </Button>
                  </Group>
                )
              }
            >
              {words.secrets.emptyAbout}
            </Empty>
          )
        }
      />
      <AddSecretModal place={place} opened={adding} onClose={add.close} />
    </>
  );
}
