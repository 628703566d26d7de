// An error of a save, with what can be done about it where the vault is not the one that the browser knows.
import { Button, Code, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { fingerprintWords } from '../../../lib/client/sealed-value.ts';
import { acceptVault, VaultChanged } from '../sealing/intake.ts';
import { words } from '../words.ts';
import { ErrorBox } from './Parts.tsx';

export function SaveError({ error, onAccepted }: { error: unknown; onAccepted: () => void }) {
  if (error instanceof VaultChanged) return <Changed error={error} onAccepted={onAccepted} />;
  return <ErrorBox error={error} />;
}

function Changed({ error, onAccepted }: { error: VaultChanged; onAccepted: () => void }) {
  const { signedBy } = error.key;
  const print = useQuery({ queryKey: ['fingerprint', signedBy], queryFn: () => fingerprintWords(signedBy) });
  const accept = () => {
    acceptVault(error.key);
    onAccepted();
  };
  return (
    <ErrorBox error={error}>
      <Stack gap="xs" mt="xs">
        <Text size="sm">{words.sealing.compare}</Text>
        <Code>{print.data}</Code>
        <Button size="xs" color="red" variant="light" w="fit-content" onClick={accept}>
          {words.sealing.accept}
        </Button>
      </Stack>
    </ErrorBox>
  );
}
