// The frame around every page: menu, place, palette, and the sign-in that comes back over a page whose session has ended.
import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Button,
  Center,
  Group,
  Kbd,
  Loader,
  Modal,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { IconKey, IconMoon, IconSearch, IconSun, IconUsersGroup } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { Suspense, useEffect, useState, useSyncExternalStore } from 'react';
import { Problem } from '../api/client.ts';
import { useEvents } from '../api/events.ts';
import { alerts, approvals, type Place, projects, whoami } from '../api/queries.ts';
import { Empty, ErrorBox, Loading } from '../parts/Parts.tsx';
import { Plain } from '../parts/Plain.tsx';
import { useMaybePlace } from '../parts/place.ts';
import { SignInForm } from '../parts/SignInForm.tsx';
import { words } from '../words.ts';
import { ROOMS } from './navigation.ts';
import { Palette } from './Palette.tsx';
import { PlacePicker } from './PlacePicker.tsx';
import { isExpired, signedIn, signOut, subscribeExpired } from './session.ts';

/** Who is not signed in goes to the sign-in page, and comes back here. */
export function Shell() {
  const me = useQuery(whoami);
  if (me.data) {
    return (
      <Suspense fallback={<Waiting />}>
        <WithPlace />
      </Suspense>
    );
  }
  if (me.isPending) return <Waiting />;
  if (me.error instanceof Problem && me.error.status === 401) return <ToSignIn />;
  return (
    <Plain title={words.errors.title}>
      <ErrorBox error={me.error} />
      <Button mt="md" onClick={() => void me.refetch()}>
        {words.again}
      </Button>
    </Plain>
  );
}

/** Once, and back to where the page was first: the address changes while the sign-in page is still on its way. */
function ToSignIn() {
  const navigate = useNavigate();
  const [to] = useState(() => window.location.pathname + window.location.search);
  useEffect(() => {
    void navigate({ to: '/sign-in', search: { to }, replace: true });
  }, [navigate, to]);
  return <Waiting />;
}

function Waiting() {
  return (
    <Center h="100vh">
      <Loader aria-label={words.loading} />
    </Center>
  );
}

function WithPlace() {
  useSuspenseQuery(projects);
  const place = useMaybePlace();
  if (place) return <Frame place={place} />;
  return (
    <Plain title={words.place.nothing}>
      <Empty icon={IconUsersGroup} title={words.place.nothing}>
        {words.place.nothingNext}
      </Empty>
      <Button variant="default" onClick={() => void signOut()}>
        {words.account.signOut}
      </Button>
    </Plain>
  );
}

function Frame({ place }: { place: Place }) {
  const [opened, { toggle, close }] = useDisclosure();
  const wide = useMediaQuery('(min-width: 62em)', true);
  const live = useEvents(place);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when another page opens
  useEffect(close, [pathname]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', md: 'xl' }}
    >
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="sm">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={words.menu.open} />
            <UnstyledButton component={Link} to="/admin" visibleFrom="xs">
              <Group gap={6} wrap="nowrap">
                <IconKey size={20} aria-hidden />
                <Text fw={700}>{words.product}</Text>
              </Group>
            </UnstyledButton>
          </Group>
          <Group gap="xs" wrap="nowrap" miw={0}>
            <PlacePicker wide={wide} />
            <PaletteButton wide={wide} />
            <SchemeButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={words.menu.title}>
        <AppShell.Section grow component={ScrollArea}>
          <Menu />
        </AppShell.Section>
        <AppShell.Section px="xs" pt="xs">
          <Group gap={6}>
            <span
              className="dot"
              style={{ background: live ? 'var(--mantine-color-green-6)' : 'var(--mantine-color-gray-6)' }}
            />
            <Text size="xs" c="dimmed">
              {live ? words.live : words.notLive}
            </Text>
          </Group>
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Palette />
      <Expired />
    </AppShell>
  );
}

function Menu() {
  const { pathname } = useLocation();
  const here = (to: string) => (to === '/admin' ? pathname === to : pathname === to || pathname.startsWith(`${to}/`));
  const open = useQuery(alerts());
  const asked = useQuery(approvals);
  const urgent = open.data?.filter((one) => one.state === 'open').length ?? 0;
  const waiting = asked.data?.filter((one) => one.decision === null).length ?? 0;
  const numbers: Readonly<Record<string, number>> = { '/admin/alerts': urgent, '/admin/access': waiting };
  return ROOMS.map(({ title, rooms }) => (
    <div key={title ?? ''}>
      {title && (
        <Text size="xs" fw={600} c="dimmed" px="sm" mt="md" mb={4}>
          {title}
        </Text>
      )}
      {rooms.map(({ to, label, icon: Icon }) => (
        <NavLink
          key={to}
          component={Link}
          to={to}
          label={label}
          active={here(to)}
          activeOptions={{ exact: to === '/admin' }}
          {...(here(to) && { 'aria-current': 'page' as const })}
          leftSection={<Icon size={18} aria-hidden />}
          rightSection={
            numbers[to] ? (
              <Badge size="sm" color="red" variant="filled">
                {numbers[to]}
              </Badge>
            ) : undefined
          }
          style={{ borderRadius: 8 }}
        />
      ))}
    </div>
  ));
}

function PaletteButton({ wide }: { wide: boolean }) {
  if (!wide) {
    return (
      <ActionIcon variant="default" size={30} onClick={spotlight.open} aria-label={words.palette.open}>
        <IconSearch size={17} />
      </ActionIcon>
    );
  }
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconSearch size={15} />}
      rightSection={<Kbd size="xs">{words.palette.keys}</Kbd>}
      onClick={spotlight.open}
    >
      {words.palette.open}
    </Button>
  );
}

function SchemeButton() {
  const dark = useComputedColorScheme('light') === 'dark';
  const { setColorScheme } = useMantineColorScheme();
  const label = dark ? words.palette.light : words.palette.dark;
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size={30}
        aria-label={label}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        {dark ? <IconSun size={17} /> : <IconMoon size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** The session has ended: sign in over the page, so that nothing that was typed is lost. */
function Expired() {
  const expired = useSyncExternalStore(subscribeExpired, isExpired);
  const { data } = useSuspenseQuery(whoami);
  return (
    <Modal opened={expired} onClose={() => undefined} withCloseButton={false} title={words.signIn.expired}>
      <Text size="sm" c="dimmed" mb="md">
        {words.signIn.expiredAbout}
      </Text>
      <SignInForm email={data.person?.email} onDone={() => void signedIn()} />
    </Modal>
  );
}
