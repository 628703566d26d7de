// The states of a rotation as a row of steps: where it is, what is behind it, and what is to come.
import { Box, Group, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { words } from '../words.ts';

const STATES: readonly string[] = ['planned', 'issued', 'verified', 'promoted', 'distributed', 'grace', 'revoked'];

export function RotationSteps({ state }: { state: string }) {
  const at = STATES.indexOf(state);
  const broken = at < 0;
  return (
    <Group
      component="ol"
      gap={4}
      wrap="wrap"
      p={0}
      m={0}
      style={{ listStyle: 'none' }}
      aria-label={words.rotations.steps}
    >
      {STATES.map((one, index) => {
        const done = !broken && (index < at || state === 'revoked');
        const here = index === at && state !== 'revoked';
        return (
          <Group
            key={one}
            component="li"
            gap={5}
            wrap="nowrap"
            {...(here && { 'aria-current': 'step' as const })}
            px={8}
            py={3}
            style={{
              borderRadius: 20,
              border: '1px solid var(--mantine-color-default-border)',
              background: here ? 'var(--mantine-color-pine-light)' : undefined,
            }}
          >
            <Box c={done ? 'green' : 'dimmed'} display="flex">
              {done ? (
                <IconCheck size={13} aria-label={words.rotations.done} />
              ) : (
                <span
                  className="dot"
                  style={{
                    margin: 0,
                    width: 7,
                    height: 7,
                    background: here ? 'var(--mantine-primary-color-filled)' : 'var(--mantine-color-default-border)',
                  }}
                />
              )}
            </Box>
            <Text size="xs" fw={here ? 700 : 400} c={done || here ? undefined : 'dimmed'}>
              {words.states[one]}
            </Text>
          </Group>
        );
      })}
      {broken && (
        <Group component="li" gap={5} px={8} py={3}>
          <IconX size={13} aria-hidden />
          <Text size="xs" fw={700}>
            {words.states[state] ?? state}
          </Text>
        </Group>
      )}
    </Group>
  );
}
