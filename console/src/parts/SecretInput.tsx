// Where a value is typed or pasted: hidden unless asked for, kept from spell checkers and password managers, over as many
// lines as it has.
import { ActionIcon, Textarea, type TextareaProps, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconEye, IconEyeOff } from '@tabler/icons-react';
import { words } from '../words.ts';

export function SecretInput(props: TextareaProps) {
  const [shown, { toggle }] = useDisclosure();
  const label = shown ? words.values.hide : words.values.show;
  return (
    <Textarea
      autosize
      minRows={1}
      maxRows={10}
      autoComplete="off"
      autoCorrect="off"
      autoCapitalize="off"
      spellCheck={false}
      data-1p-ignore
      data-lpignore="true"
      {...props}
      classNames={{ input: shown ? 'mono' : 'mono secret-mask' }}
      rightSection={
        <Tooltip label={label}>
          <ActionIcon variant="subtle" color="gray" onClick={toggle} aria-label={label}>
            {shown ? <IconEyeOff size={18} /> : <IconEye size={18} />}
          </ActionIcon>
        </Tooltip>
      }
    />
  );
}
