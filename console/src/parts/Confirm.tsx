// A question before something is done: what it does, and what is in the way where it failed.
import { Modal, Stack, Text } from '@mantine/core';
import type { FormEvent } from 'react';
import { FormFoot } from './FormFoot.tsx';
import { ErrorBox } from './Parts.tsx';

interface Props {
  readonly opened: boolean;
  readonly title: string;
  readonly about: string;
  readonly submit: string;
  readonly danger?: boolean;
  readonly pending: boolean;
  readonly error: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm({ opened, title, about, submit, danger, pending, error, onConfirm, onClose }: Props) {
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    onConfirm();
  };
  return (
    <Modal opened={opened} onClose={onClose} title={title}>
      <form onSubmit={confirm}>
        <Stack>
          <Text size="sm">{about}</Text>
          <ErrorBox error={error} />
          <FormFoot submit={submit} pending={pending} danger={danger === true} onCancel={onClose} />
        </Stack>
      </form>
    </Modal>
  );
}
