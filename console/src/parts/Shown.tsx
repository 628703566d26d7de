// What is shown once: a new token, a link. Copied, it is gone from here when the dialog closes.
import { Button, Code, CopyButton, Group, Modal, Stack, Text } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { words } from '../words.ts';

export function ShownOnce(props: { title: string; about: string; text: string | undefined; onClose: () => void }) {
  return (
    <Modal
      opened={props.text !== undefined}
      onClose={props.onClose}
      title={props.title}
      closeOnClickOutside={false}
      size="lg"
    >
      {props.text !== undefined && (
        <Stack>
          <Text size="sm">{props.about}</Text>
          <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} data-testid="shown-once">
            {props.text}
          </Code>
          <Group justify="flex-end">
            <CopyButton value={props.text}>
              {({ copied, copy }) => (
                <Button
                  variant="default"
                  leftSection={copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
                  onClick={copy}
                >
                  {copied ? words.reveal.copied : words.reveal.copy}
                </Button>
              )}
            </CopyButton>
            <Button onClick={props.onClose}>{words.access.kept}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
