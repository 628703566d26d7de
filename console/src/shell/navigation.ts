// The rooms of the console, once: for the menu and for the command palette.
import {
  IconActivity,
  IconAlertTriangle,
  IconArrowsDiff,
  IconBell,
  IconCalendarRepeat,
  IconFileImport,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconPlugConnected,
  IconReportAnalytics,
  IconShieldLock,
  IconUser,
  IconUsers,
} from '@tabler/icons-react';
import { words } from '../words.ts';

const { menu } = words;

export const ROOMS = [
  {
    title: undefined,
    rooms: [
      { to: '/admin', label: menu.overview, icon: IconLayoutDashboard },
      { to: '/admin/secrets', label: menu.secrets, icon: IconKey },
      { to: '/admin/rotations', label: menu.rotations, icon: IconCalendarRepeat },
      { to: '/admin/compare', label: menu.compare, icon: IconArrowsDiff },
      { to: '/admin/import', label: menu.import, icon: IconFileImport },
    ],
  },
  {
    title: menu.oversight,
    rooms: [
      { to: '/admin/monitoring', label: menu.monitoring, icon: IconActivity },
      { to: '/admin/alerts', label: menu.alerts, icon: IconBell },
      { to: '/admin/incidents', label: menu.incidents, icon: IconAlertTriangle },
      { to: '/admin/audit', label: menu.audit, icon: IconHistory },
      { to: '/admin/reports', label: menu.reports, icon: IconReportAnalytics },
    ],
  },
  {
    title: menu.settings,
    rooms: [
      { to: '/admin/settings/integrations', label: menu.integrations, icon: IconPlugConnected },
      { to: '/admin/access', label: menu.access, icon: IconUsers },
      { to: '/admin/settings/vault', label: menu.vault, icon: IconShieldLock },
      { to: '/admin/account', label: menu.account, icon: IconUser },
    ],
  },
] as const;
