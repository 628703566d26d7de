// The frame of the pages outside of the shell: one card in the middle, with the name above it.
import { Card, Center, Group, Stack, Text, Title } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import { words } from '../words.ts';

export function Plain({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  return (
    <Center component="main" mih="100vh" p="md">
      <Stack w="100%" maw={420} gap="lg">
        <Group justify="center" gap={8}>
          <IconKey size={26} aria-hidden />
          <Text fw={700} size="xl">
            {words.product}
          </Text>
        </Group>
        <Card shadow="sm">
          <Title order={1} size="h2" mb={about ? 4 : 'md'}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" mb="md">
              {about}
            </Text>
          )}
          {children}
        </Card>
      </Stack>
    </Center>
  );
}
