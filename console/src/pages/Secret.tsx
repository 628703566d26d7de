// One secret: what is known of it, its versions, its rotations, who reads it, where it is, and what can be done.
import { Breadcrumbs, Tabs, Text } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { type Place, secretFacts } from '../api/queries.ts';
import { LinkAnchor, LinkButton } from '../parts/links.tsx';
import { Empty, PageHead } from '../parts/Parts.tsx';
import { usePlace } from '../parts/place.ts';
import { RevealModal } from '../parts/Reveal.tsx';
import { words } from '../words.ts';
import { Actions, Restore } from './secret/Actions.tsx';
import { FactCards } from './secret/FactCards.tsx';
import type { Facts } from './secret/facts.ts';
import { History } from './secret/History.tsx';
import { Places } from './secret/Places.tsx';
import { Readers } from './secret/Readers.tsx';
import { Turns } from './secret/Turns.tsx';

export function SecretPage() {
  const place = usePlace();
  const { name = '' } = useParams({ strict: false });
  const { data: secret } = useSuspenseQuery(secretFacts(place, name));
  if (!secret) {
    return (
      <Empty
        icon={IconMapQuestion}
        title={words.secret.notThere(name, place.environment)}
        action={<LinkButton to="/admin/secrets">{words.secret.toList}</LinkButton>}
      />
    );
  }
  return <Known place={place} secret={secret} />;
}

function Known({ place, secret }: { place: Place; secret: Facts }) {
  const [revealed, setRevealed] = useState<number | 'current'>();
  const close = () => setRevealed(undefined);
  return (
    <>
      <PageHead
        title={secret.name}
        above={
          <Breadcrumbs mb={4}>
            <LinkAnchor to="/admin/secrets" size="sm">
              {words.secrets.title}
            </LinkAnchor>
            <Text size="sm">{place.environment}</Text>
          </Breadcrumbs>
        }
      >
        {secret.deletedAt === null ? (
          <Actions place={place} secret={secret} onReveal={() => setRevealed('current')} />
        ) : (
          <Restore place={place} name={secret.name} />
        )}
      </PageHead>
      <FactCards secret={secret} />
      <Tabs defaultValue="history" mt="lg" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="history">{words.secret.history}</Tabs.Tab>
          <Tabs.Tab value="rotations">{words.secret.rotations}</Tabs.Tab>
          <Tabs.Tab value="readers">{words.secret.readers}</Tabs.Tab>
          <Tabs.Tab value="places">{words.secret.places}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="history">
          <History place={place} name={secret.name} deleted={secret.deletedAt !== null} onReveal={setRevealed} />
        </Tabs.Panel>
        <Tabs.Panel value="rotations">
          <Turns place={place} name={secret.name} />
        </Tabs.Panel>
        <Tabs.Panel value="readers">
          <Readers place={place} name={secret.name} />
        </Tabs.Panel>
        <Tabs.Panel value="places">
          <Places place={place} name={secret.name} />
        </Tabs.Panel>
      </Tabs>
      <RevealModal
        place={place}
        name={secret.name}
        {...(typeof revealed === 'number' && { version: revealed })}
        opened={revealed !== undefined}
        onClose={close}
      />
    </>
  );
}
