// How a form in a dialog ends: a way out, and the button that sends it.
import { Button, Group } from '@mantine/core';
import { words } from '../words.ts';

interface Props {
  readonly submit: string;
  readonly pending: boolean;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly onCancel: () => void;
}

export function FormFoot({ submit, pending, danger, disabled, onCancel }: Props) {
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onCancel}>
        {words.cancel}
      </Button>
      <Button type="submit" color={danger ? 'red' : undefined} loading={pending} disabled={disabled}>
        {submit}
      </Button>
    </Group>
  );
}
