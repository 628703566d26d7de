// The addresses of the console. Each page is a file of its own, loaded when it is first gone to.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { NotThere } from './parts/NotThere.tsx';
import { PageFailed } from './parts/PageFailed.tsx';
import { Shell } from './shell/Shell.tsx';

const root = createRootRoute({ notFoundComponent: NotThere });

/** Which project and environment the console shows is in every address: a link leads to the same for everybody. */
interface PlaceSearch {
  readonly project?: string;
  readonly env?: string;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function withText<K extends string>(key: K, value: unknown): { [key in K]?: string } {
  const found = text(value);
  return (found === undefined ? {} : { [key]: found }) as { [key in K]?: string };
}

const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin',
  component: Shell,
  errorComponent: PageFailed,
  validateSearch: (search: Record<string, unknown>): PlaceSearch => ({
    ...withText('project', search.project),
    ...withText('env', search.env),
  }),
  search: { middlewares: [retainSearchParams(['project', 'env'])] },
});

const overview = createRoute({
  getParentRoute: () => admin,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/Overview.tsx'), 'Overview'),
});

export const secretsRoute = createRoute({
  getParentRoute: () => admin,
  path: '/secrets',
  component: lazyRouteComponent(() => import('./pages/Secrets.tsx'), 'Secrets'),
  validateSearch: (search: Record<string, unknown>) => ({
    ...withText('q', search.q),
    ...withText('type', search.type),
    ...withText('state', search.state),
  }),
});

const secret = createRoute({
  getParentRoute: () => admin,
  path: '/secrets/$name',
  component: lazyRouteComponent(() => import('./pages/Secret.tsx'), 'SecretPage'),
});

const compare = createRoute({
  getParentRoute: () => admin,
  path: '/compare',
  component: lazyRouteComponent(() => import('./pages/Compare.tsx'), 'Compare'),
});

const importing = createRoute({
  getParentRoute: () => admin,
  path: '/import',
  component: lazyRouteComponent(() => import('./pages/Import.tsx'), 'Import'),
});

const rotations = createRoute({
  getParentRoute: () => admin,
  path: '/rotations',
  component: lazyRouteComponent(() => import('./pages/Rotations.tsx'), 'Rotations'),
});

const monitoring = createRoute({
  getParentRoute: () => admin,
  path: '/monitoring',
  component: lazyRouteComponent(() => import('./pages/Monitoring.tsx'), 'Monitoring'),
});

const alerts = createRoute({
  getParentRoute: () => admin,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./pages/Alerts.tsx'), 'Alerts'),
});

export const auditRoute = createRoute({
  getParentRoute: () => admin,
  path: '/audit',
  component: lazyRouteComponent(() => import('./pages/Audit.tsx'), 'Audit'),
  validateSearch: (search: Record<string, unknown>) => ({
    ...withText('secret', search.secret),
    ...withText('principal', search.principal),
    ...withText('action', search.action),
    ...withText('outcome', search.outcome),
  }),
});

const reports = createRoute({
  getParentRoute: () => admin,
  path: '/reports',
  component: lazyRouteComponent(() => import('./pages/Reports.tsx'), 'Reports'),
});

const incidents = createRoute({
  getParentRoute: () => admin,
  path: '/incidents',
  component: lazyRouteComponent(() => import('./pages/Incidents.tsx'), 'Incidents'),
});

const incident = createRoute({
  getParentRoute: () => admin,
  path: '/incidents/$id',
  component: lazyRouteComponent(() => import('./pages/Incident.tsx'), 'IncidentPage'),
});

const access = createRoute({
  getParentRoute: () => admin,
  path: '/access',
  component: lazyRouteComponent(() => import('./pages/Access.tsx'), 'Access'),
});

const account = createRoute({
  getParentRoute: () => admin,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/Account.tsx'), 'Account'),
});

const settings = createRoute({
  getParentRoute: () => admin,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/admin/settings/integrations' });
  },
});

const integrations = createRoute({
  getParentRoute: () => admin,
  path: '/settings/integrations',
  component: lazyRouteComponent(() => import('./pages/Integrations.tsx'), 'Integrations'),
});

const vault = createRoute({
  getParentRoute: () => admin,
  path: '/settings/vault',
  component: lazyRouteComponent(() => import('./pages/VaultSettings.tsx'), 'VaultSettings'),
});

const welcome = createRoute({
  getParentRoute: () => admin,
  path: '/welcome',
  component: lazyRouteComponent(() => import('./pages/Welcome.tsx'), 'Welcome'),
});

export const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/SignIn.tsx'), 'SignIn'),
  validateSearch: (search: Record<string, unknown>) => withText('to', search.to),
});

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./pages/Join.tsx'), 'Join'),
});

const routeTree = root.addChildren([
  admin.addChildren([
    overview,
    secretsRoute,
    secret,
    compare,
    importing,
    rotations,
    monitoring,
    alerts,
    auditRoute,
    reports,
    incidents,
    incident,
    access,
    account,
    settings,
    integrations,
    vault,
    welcome,
  ]),
  signInRoute,
  join,
]);

export const router = createRouter({ routeTree, defaultPreload: 'intent', scrollRestoration: true });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
