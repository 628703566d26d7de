// What can be done with a secret: rotate, set, describe, delete, restore; and when it is in wrong hands.
import { Button, Menu, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import {
  IconCalendarRepeat,
  IconDots,
  IconEdit,
  IconEye,
  IconPencil,
  IconShieldExclamation,
  IconTrash,
} from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, body, once } from '../../api/client.ts';
import { type Place, queryClient } from '../../api/queries.ts';
import { CompromiseModal } from '../../parts/Compromise.tsx';
import { Confirm } from '../../parts/Confirm.tsx';
import { ErrorBox } from '../../parts/Parts.tsx';
import { useMay } from '../../parts/place.ts';
import { RotateModal } from '../../parts/Rotate.tsx';
import { DescribeModal, ValueModal } from '../../parts/SecretForm.tsx';
import { words } from '../../words.ts';
import type { Facts } from './facts.ts';

export function Actions({ place, secret, onReveal }: { place: Place; secret: Facts; onReveal: () => void }) {
  const may = useMay();
  const [rotating, rotate] = useDisclosure();
  const [setting, set] = useDisclosure();
  const [describing, describe] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const [leaked, leak] = useDisclosure();
  return (
    <>
      {may('read') && (
        <Button variant="default" leftSection={<IconEye size={18} />} onClick={onReveal}>
          {words.secret.reveal}
        </Button>
      )}
      {may('rotate') && (
        <Button leftSection={<IconCalendarRepeat size={18} />} onClick={rotate.open}>
          {words.secret.rotate}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px="xs" aria-label={words.secret.more}>
            <IconDots size={18} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item disabled={!may('write')} leftSection={<IconEdit size={16} />} onClick={set.open}>
            {words.secret.setValue}
          </Menu.Item>
          <Menu.Item disabled={!may('write')} leftSection={<IconPencil size={16} />} onClick={describe.open}>
            {words.secret.describe}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            disabled={!may('rotate')}
            color="red"
            leftSection={<IconShieldExclamation size={16} />}
            onClick={leak.open}
          >
            {words.secret.compromised}
          </Menu.Item>
          <Menu.Item disabled={!may('delete')} color="red" leftSection={<IconTrash size={16} />} onClick={remove.open}>
            {words.secret.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RotateModal place={place} name={secret.name} opened={rotating} onClose={rotate.close} />
      <ValueModal place={place} secret={secret} opened={setting} onClose={set.close} />
      <DescribeModal place={place} secret={secret} opened={describing} onClose={describe.close} />
      <CompromiseModal place={place} name={secret.name} opened={leaked} onClose={leak.close} />
      <RemoveModal place={place} secret={secret} opened={deleting} onClose={remove.close} />
    </>
  );
}

function RemoveModal(props: { place: Place; secret: Facts; opened: boolean; onClose: () => void }) {
  const { place, secret, onClose } = props;
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      body(
        api.DELETE('/v1/projects/{project}/environments/{environment}/secrets/{name}', {
          params: { path: { ...place, name: secret.name } },
          headers: { ...once(), 'if-match': `"${secret.tag}"` },
        }),
      ),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['secrets'] });
      notifications.show({ message: words.secret.removed(secret.name) });
      void navigate({ to: '/admin/secrets' });
    },
  });
  return (
    <Confirm
      opened={props.opened}
      title={words.secret.removeTitle(secret.name)}
      about={words.secret.removeAbout}
      submit={words.secret.remove}
      danger
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}

export function Restore({ place, name }: { place: Place; name: string }) {
  const may = useMay();
  const restore = useMutation({
    mutationFn: () =>
      body(
        api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/restore', {
          params: { path: { ...place, name } },
          headers: once(),
        }),
      ),
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: ['secrets'] }),
  });
  return (
    <Stack gap="xs">
      <Button disabled={!may('write')} loading={restore.isPending} onClick={() => restore.mutate()}>
        {words.secret.restore}
      </Button>
      <ErrorBox error={restore.error} />
    </Stack>
  );
}
