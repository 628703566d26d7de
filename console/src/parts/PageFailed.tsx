// A page that could not be shown: what it could not get, and another try.
import { Button, Container, Stack } from '@mantine/core';
import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { words } from '../words.ts';
import { ErrorBox } from './Parts.tsx';

export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const boundary = useQueryErrorResetBoundary();
  const again = () => {
    boundary.reset();
    reset();
    void router.invalidate();
  };
  return (
    <Container py="xl">
      <Stack>
        <ErrorBox error={error} />
        <Button onClick={again} w="fit-content">
          {words.again}
        </Button>
      </Stack>
    </Container>
  );
}
