// Incidents: what went wrong and how it was dealt with, and the way to begin one.
import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconShieldCheck, IconShieldExclamation } from '@tabler/icons-react';
import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, body, once } from '../api/client.ts';
import { allSecrets, destinations, incidents, type Place, queryClient } from '../api/queries.ts';
import { CompromiseModal } from '../parts/Compromise.tsx';
import { LinkCard } from '../parts/links.tsx';
import { Ago, Empty, ErrorBox, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { words } from '../words.ts';

export function Incidents() {
  const place = usePlace();
  const may = useMay();
  const { data } = useSuspenseQuery(incidents);
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <PageHead title={words.incidents.title} about={words.incidents.about}>
        {may('rotate') && (
          <Button color="red" leftSection={<IconShieldExclamation size={18} />} onClick={open}>
            {words.incidents.begin}
          </Button>
        )}
      </PageHead>
      {data.length === 0 && (
        <Empty icon={IconShieldCheck} title={words.incidents.none}>
          {words.incidents.noneAbout}
        </Empty>
      )}
      <Stack>
        {data.map((one) => (
          <LinkCard
            key={one.id}
            padding="md"
            to="/admin/incidents/$id"
            params={{ id: one.id }}
            style={{ textDecoration: 'none' }}
          >
            <Group justify="space-between">
              <div>
                <Text fw={600}>{one.title}</Text>
                <Text size="sm" c="dimmed">
                  {words.incidents.kinds[one.kind] ?? one.kind} · {words.rotations.begun(one.openedBy)}{' '}
                  <Ago at={one.openedAt} />
                </Text>
              </div>
              <State
                of={one.closedAt === null ? 'open' : 'resolved'}
                label={one.closedAt === null ? words.incidents.open : words.incidents.closed}
              />
            </Group>
          </LinkCard>
        ))}
      </Stack>
      <Modal opened={opened} onClose={close} title={words.incidents.begin}>
        {opened && <Begin place={place} />}
      </Modal>
    </>
  );
}

/** What is in wrong hands: one secret, or everything that a place ever held. */
function Begin({ place }: { place: Place }) {
  const navigate = useNavigate();
  const secrets = useQuery(allSecrets(place));
  const places = useQuery(destinations(place));
  const [name, setName] = useState<string | null>(null);
  const [destination, setDestination] = useState<string | null>(null);
  const [opened, { open, close }] = useDisclosure();
  const whole = useMutation({
    mutationFn: (id: string) =>
      body(
        api.POST('/v1/destinations/{destination}/compromise', {
          params: { path: { destination: id } },
          headers: once(),
        }),
      ),
    onSuccess: ({ incident }) => {
      void queryClient.invalidateQueries();
      void navigate({ to: '/admin/incidents/$id', params: { id: incident } });
    },
  });
  return (
    <Stack>
      <Select
        label={words.incidents.secret}
        data={secrets.data?.map((one) => one.name) ?? []}
        value={name}
        onChange={setName}
        searchable
        limit={50}
        data-autofocus
      />
      <Button color="red" disabled={name === null} onClick={open}>
        {words.incidents.goOn}
      </Button>
      {(places.data ?? []).length > 0 && (
        <>
          <Select
            label={words.incidents.destination}
            description={words.incidents.destinationAbout}
            data={places.data?.map((one) => ({ value: one.id, label: one.title })) ?? []}
            value={destination}
            onChange={setDestination}
          />
          <Button
            color="red"
            disabled={destination === null}
            loading={whole.isPending}
            onClick={() => destination !== null && whole.mutate(destination)}
          >
            {words.incidents.turnAll}
          </Button>
        </>
      )}
      <ErrorBox error={secrets.error ?? places.error ?? whole.error} />
      {name !== null && <CompromiseModal place={place} name={name} opened={opened} onClose={close} />}
    </Stack>
  );
}
