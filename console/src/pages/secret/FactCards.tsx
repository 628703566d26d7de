// What is known of a secret, in a card.
import { Card, SimpleGrid, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { Ago, State } from '../../parts/Parts.tsx';
import { words } from '../../words.ts';
import type { Facts } from './facts.ts';

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text component="div" size="sm" fw={500}>
        {children}
      </Text>
    </div>
  );
}

export function FactCards({ secret }: { secret: Facts }) {
  const labels = Object.entries(secret.labels);
  return (
    <Card>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="lg">
        <Fact label={words.fields.state}>
          <State of={secret.deletedAt === null ? secret.age : 'deleted'} />
        </Fact>
        <Fact label={words.fields.type}>{words.types[secret.type] ?? secret.type}</Fact>
        <Fact label={words.fields.version}>
          {secret.version}
          {secret.previousVersion !== null && (secret.previousValidUntil ?? 0) > Date.now() && (
            <Text size="xs" c="dimmed">
              {words.secret.previous(secret.previousVersion)} <Ago at={secret.previousValidUntil} />
            </Text>
          )}
        </Fact>
        <Fact label={words.secret.turned}>
          <Ago at={secret.rotatedAt} />
        </Fact>
        <Fact label={words.secret.due}>
          <Ago at={secret.dueAt} never={words.none} />
        </Fact>
        <Fact label={words.fields.owner}>{secret.owner ?? words.none}</Fact>
        <Fact label={words.secret.reads}>{secret.reads}</Fact>
        <Fact label={words.secret.lastRead}>
          <Ago at={secret.lastReadAt} />
          {secret.lastReadBy && (
            <Text size="xs" c="dimmed">
              {secret.lastReadBy}
            </Text>
          )}
        </Fact>
        <Fact label={words.secret.fingerprint}>
          <Tooltip label={words.secret.fingerprintAbout} multiline maw={300}>
            <Text span className="mono" size="sm" tabIndex={0}>
              {secret.fingerprint.slice(0, 12)}
            </Text>
          </Tooltip>
        </Fact>
        <Fact label={words.fields.labels}>
          {labels.length === 0 ? words.none : labels.map(([key, label]) => `${key}=${label}`).join(', ')}
        </Fact>
      </SimpleGrid>
    </Card>
  );
}
