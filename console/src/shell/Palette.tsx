// The command palette (Ctrl-K): every room, every secret by name, and a few commands.
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconKey, IconLogout, IconMoon, IconSearch, IconSun } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useState } from 'react';
import { secretsPage } from '../api/queries.ts';
import { usePlace } from '../parts/place.ts';
import { words } from '../words.ts';
import { ROOMS } from './navigation.ts';
import { signOut } from './session.ts';

const SHOWN = 8;

/** Enter with nothing chosen goes to what is first: what somebody who has typed a name means. */
function chooseFirst(event: KeyboardEvent): void {
  const list = event.currentTarget.closest('[role=dialog]');
  if (event.key !== 'Enter' || !list || list.querySelector('[data-action][data-selected]')) return;
  list.querySelector<HTMLElement>('[data-action]')?.click();
}

export function Palette() {
  const place = usePlace();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [searched] = useDebouncedValue(text.trim(), 150);
  const dark = useComputedColorScheme('light') === 'dark';
  const { setColorScheme } = useMantineColorScheme();
  const found = useQuery({
    ...secretsPage(place, { text: searched, type: '', state: 'any' }, 0),
    enabled: searched.length > 1,
  });
  const secrets: SpotlightActionData[] = (searched.length > 1 ? (found.data?.secrets ?? []) : [])
    .slice(0, SHOWN)
    .map((one) => ({
      id: `secret ${one.name}`,
      label: one.name,
      description: `${one.type} · ${words.secrets.versionOf(one.version)}`,
      leftSection: <IconKey size={18} />,
      onClick: () => void navigate({ to: '/admin/secrets/$name', params: { name: one.name } }),
    }));
  const groups: SpotlightActionGroupData[] = [
    { group: words.palette.secrets, actions: secrets },
    {
      group: words.palette.rooms,
      actions: ROOMS.flatMap(({ rooms }) =>
        rooms.map(({ to, label, icon: Icon }) => ({
          id: to,
          label,
          leftSection: <Icon size={18} />,
          onClick: () => void navigate({ to }),
        })),
      ),
    },
    {
      group: words.palette.commands,
      actions: [
        {
          id: 'scheme',
          label: dark ? words.palette.light : words.palette.dark,
          leftSection: dark ? <IconSun size={18} /> : <IconMoon size={18} />,
          onClick: () => setColorScheme(dark ? 'light' : 'dark'),
        },
        {
          id: 'sign-out',
          label: words.account.signOut,
          leftSection: <IconLogout size={18} />,
          onClick: () => void signOut(),
        },
      ],
    },
  ];
  return (
    <Spotlight
      actions={groups}
      shortcut={['mod + K']}
      query={text}
      onQueryChange={setText}
      nothingFound={words.palette.nothing}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: words.palette.placeholder,
        'aria-label': words.palette.placeholder,
        onKeyDown: chooseFirst,
      }}
    />
  );
}
