// Showing one value: with a reason, after a fresh sign-in, for half a minute. What is copied is taken out of the clipboard
// again.
import { Button, Code, CopyButton, Group, Modal, Progress, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconCopy, IconEye } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { Problem } from '../api/client.ts';
import { type Place, whoami } from '../api/queries.ts';
import { type Revealed, reveal } from '../sealing/reveal.ts';
import { signedIn } from '../shell/session.ts';
import { words } from '../words.ts';
import { ErrorBox } from './Parts.tsx';
import { SignInForm } from './SignInForm.tsx';

/** How long (s) a value is shown, and how long it stays in the clipboard. */
const SHOWN_S = 30;

interface Props {
  readonly place: Place;
  readonly name: string;
  readonly version?: number;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function RevealModal(props: Props) {
  const { name, opened, onClose } = props;
  return (
    <Modal opened={opened} onClose={onClose} title={words.reveal.title(name)} size="lg">
      {opened && <RevealSteps {...props} />}
    </Modal>
  );
}

function RevealSteps({ place, name, version, onClose }: Props) {
  const { data: me } = useSuspenseQuery(whoami);
  const [reason, setReason] = useState('');
  const [approval, setApproval] = useState<string>();
  const ask = useMutation({
    mutationFn: () => reveal({ place, name, version, reason, approval }),
    // Kept nowhere but in this dialog: gone with it.
    gcTime: 0,
    onError: (error) => {
      if (error instanceof Problem && error.approval !== undefined) setApproval(error.approval);
    },
  });
  const code = ask.error instanceof Problem ? ask.error.code : undefined;
  if (ask.data) return <Shown revealed={ask.data} onEnd={onClose} />;
  if (code === 'KT_REAUTHENTICATION_REQUIRED') {
    const again = async () => {
      await signedIn();
      ask.mutate();
    };
    return (
      <Stack>
        <Text size="sm">{words.reveal.signInAgain}</Text>
        <SignInForm email={me.person?.email} onDone={() => void again()} />
      </Stack>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {words.reveal.about}
        </Text>
        <TextInput
          label={words.reveal.reason}
          placeholder={words.reveal.reasonExample}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          minLength={3}
          maxLength={200}
          required
          data-autofocus
        />
        {code === 'KT_APPROVAL_REQUIRED' ? <Text size="sm">{words.reveal.approval(approval ?? '')}</Text> : null}
        <ErrorBox error={ask.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {words.cancel}
          </Button>
          <Button type="submit" leftSection={<IconEye size={18} />} loading={ask.isPending}>
            {approval === undefined ? words.reveal.submit : words.reveal.askAgain}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Takes a copied value out of the clipboard again, where the browser still lets this page write to it. */
function clearLater(): void {
  setTimeout(() => {
    navigator.clipboard.writeText('').then(
      () => notifications.show({ message: words.reveal.cleared }),
      () => notifications.show({ message: words.reveal.notCleared, color: 'orange' }),
    );
  }, SHOWN_S * 1000);
}

function Shown({ revealed, onEnd }: { revealed: Revealed; onEnd: () => void }) {
  const [left, setLeft] = useState(SHOWN_S);
  useEffect(() => {
    const end = Date.now() + SHOWN_S * 1000;
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000))), 250);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left === 0) onEnd();
  }, [left, onEnd]);
  return (
    <Stack>
      <ScrollArea.Autosize mah={280}>
        <Code block data-testid="revealed" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {revealed.text}
        </Code>
      </ScrollArea.Autosize>
      {revealed.binary && <Text size="sm">{words.reveal.binary}</Text>}
      <Progress value={(left / SHOWN_S) * 100} size="sm" aria-label={words.reveal.timer} />
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {words.reveal.hides(left)}
        </Text>
        <Group gap="xs">
          <CopyButton value={revealed.text}>
            {({ copied, copy }) => (
              <Button
                variant="default"
                leftSection={copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
                onClick={() => {
                  copy();
                  clearLater();
                }}
              >
                {copied ? words.reveal.copied : words.reveal.copy}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onEnd}>{words.reveal.hide}</Button>
        </Group>
      </Group>
    </Stack>
  );
}
