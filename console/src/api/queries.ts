// What pages ask for, by name: each with its key, so that a change knows what it makes stale.
import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query';
import { api, body, Problem } from './client.ts';

/** A project and an environment. */
export interface Place {
  readonly project: string;
  readonly environment: string;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What was refused is refused again; only a server that is away, or has too much to do, is worth another try.
      retry: (count, error) => count < 5 && error instanceof Problem && (error.status === 0 || error.status === 503),
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

const path = (place: Place) => ({ path: { project: place.project, environment: place.environment } });

export const whoami = queryOptions({
  queryKey: ['whoami'],
  queryFn: () => body(api.GET('/v1/whoami')),
  staleTime: 60_000,
});

export const projects = queryOptions({
  queryKey: ['projects'],
  queryFn: async () => (await body(api.GET('/v1/projects'))).projects,
  staleTime: 60_000,
});

export const catalog = queryOptions({
  queryKey: ['catalog'],
  queryFn: () => body(api.GET('/v1/catalog')),
  staleTime: Number.POSITIVE_INFINITY,
});

export interface Search {
  readonly text: string;
  readonly type: string;
  readonly state: SecretState;
}
export const SECRET_STATES = ['any', 'overdue', 'due soon', 'grace', 'unused', 'deleted'] as const;
export type SecretState = (typeof SECRET_STATES)[number];

/** Rows that one request brings. */
export const PAGE_ROWS = 100;

export const secretsPage = (place: Place, search: Search, page: number) =>
  queryOptions({
    queryKey: ['secrets', place, search, page],
    queryFn: () =>
      body(
        api.GET('/v1/projects/{project}/environments/{environment}/secrets', {
          params: {
            ...path(place),
            query: {
              limit: PAGE_ROWS,
              offset: page * PAGE_ROWS,
              search: search.text,
              state: search.state,
              ...(search.type !== '' && { type: search.type }),
            },
          },
        }),
      ),
    placeholderData: page === 0 ? keepPreviousData : undefined,
  });

/** Every secret of an environment: for comparing, and for knowing what is there before an import. */
export const allSecrets = (place: Place) =>
  queryOptions({
    queryKey: ['secrets', place, 'all'],
    queryFn: async () => {
      const found = [];
      let cursor: string | undefined;
      do {
        const page = await body(
          api.GET('/v1/projects/{project}/environments/{environment}/secrets', {
            params: { ...path(place), query: { limit: 1000, ...(cursor !== undefined && { cursor }) } },
          }),
        );
        found.push(...page.secrets);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      return found;
    },
  });

const ofSecret = (place: Place, name: string) => ({ params: { path: { ...place, name } } });

/** What is known of one secret; undefined where there is none of that name. */
export const secretFacts = (place: Place, name: string) =>
  queryOptions({
    queryKey: ['secrets', place, 'one', name],
    queryFn: async () => {
      const search = { limit: 50, offset: 0, search: name };
      const ask = (query: object) =>
        body(
          api.GET('/v1/projects/{project}/environments/{environment}/secrets', {
            params: { ...path(place), query: { ...search, ...query } },
          }),
        );
      const is = (one: { name: string }) => one.name.toUpperCase() === name.toUpperCase();
      return (await ask({})).secrets.find(is) ?? (await ask({ state: 'deleted' })).secrets.find(is) ?? null;
    },
  });

export const history = (place: Place, name: string) =>
  queryOptions({
    queryKey: ['secrets', place, 'history', name],
    queryFn: () =>
      body(api.GET('/v1/projects/{project}/environments/{environment}/secrets/{name}/history', ofSecret(place, name))),
  });

export const uses = (place: Place, name: string) =>
  queryOptions({
    queryKey: ['secrets', place, 'uses', name],
    queryFn: () =>
      body(api.GET('/v1/projects/{project}/environments/{environment}/secrets/{name}/uses', ofSecret(place, name))),
  });

export const integrations = (place: Place) =>
  queryOptions({
    queryKey: ['integrations', place],
    queryFn: async () =>
      (await body(api.GET('/v1/projects/{project}/environments/{environment}/integrations', { params: path(place) })))
        .integrations,
  });

export const rotations = (place: Place) =>
  queryOptions({
    queryKey: ['rotations', place],
    queryFn: async () =>
      (await body(api.GET('/v1/projects/{project}/environments/{environment}/rotations', { params: path(place) })))
        .rotations,
  });

/** The next few turns: what an overview needs, without the whole year of a large environment. */
export const nextTurns = (place: Place, limit: number) =>
  queryOptions({
    queryKey: ['schedule', place, limit],
    queryFn: async () =>
      (
        await body(
          api.GET('/v1/projects/{project}/environments/{environment}/schedule', {
            params: { ...path(place), query: { days: 365, limit } },
          }),
        )
      ).turns,
  });

export const schedule = (place: Place) =>
  queryOptions({
    queryKey: ['schedule', place],
    queryFn: async () =>
      (
        await body(
          api.GET('/v1/projects/{project}/environments/{environment}/schedule', {
            params: { ...path(place), query: { days: 365 } },
          }),
        )
      ).turns,
  });

export const providers = queryOptions({
  queryKey: ['providers'],
  queryFn: async () => (await body(api.GET('/v1/providers'))).providers,
  staleTime: Number.POSITIVE_INFINITY,
});

export const destinations = (place: Place) =>
  queryOptions({
    queryKey: ['destinations', place],
    queryFn: async () =>
      (await body(api.GET('/v1/projects/{project}/environments/{environment}/destinations', { params: path(place) })))
        .destinations,
  });

export const activity = (place: Place, days: number) =>
  queryOptions({
    queryKey: ['activity', place, days],
    queryFn: () =>
      body(
        api.GET('/v1/projects/{project}/environments/{environment}/activity', {
          params: { ...path(place), query: { days } },
        }),
      ),
  });

/** The detailed report, as the server makes it (lib/reporting/validation-report.ts). */
export interface Report {
  readonly vault: string;
  readonly createdAt: string;
  readonly summary: {
    readonly secrets: number;
    readonly criticalPresent: number;
    readonly criticalWanted: number;
    readonly findings: Readonly<Record<string, number>>;
    readonly overdue: number;
    readonly dueSoon: number;
    readonly deniedAttempts: number;
    readonly failedRotations: number;
  };
  readonly secrets: readonly {
    readonly name: string;
    readonly type: string;
    readonly risk: string;
    readonly version: number;
    readonly ageDays: number;
    readonly intervalDays: number | null;
    readonly state: string;
    readonly strength: number | null;
    readonly reads: number;
    readonly lastRead: string | null;
  }[];
  readonly findings: readonly {
    readonly severity: string;
    readonly secret: string;
    readonly what: string;
    readonly mend?: string;
  }[];
}

export const report = (place: Place) =>
  queryOptions({
    queryKey: ['report', place],
    queryFn: async () =>
      (await body(
        api.GET('/v1/projects/{project}/environments/{environment}/report', { params: path(place) }),
      )) as Report,
    staleTime: 60_000,
  });

export const keptReports = queryOptions({
  queryKey: ['kept-reports'],
  queryFn: async () => (await body(api.GET('/v1/reports'))).reports,
});

export const journeyRuns = (days: number) =>
  queryOptions({
    queryKey: ['journeys', days],
    queryFn: async () => (await body(api.GET('/v1/journeys', { params: { query: { days } } }))).runs,
  });

export const alerts = (since?: number) =>
  queryOptions({
    queryKey: ['alerts', since ?? 'open'],
    queryFn: async () =>
      (await body(api.GET('/v1/alerts', { params: { query: since === undefined ? {} : { since } } }))).alerts,
    refetchInterval: 60_000,
  });

export const incidents = queryOptions({
  queryKey: ['incidents'],
  queryFn: async () => (await body(api.GET('/v1/incidents'))).incidents,
});

export const incident = (id: string) =>
  queryOptions({
    queryKey: ['incidents', id],
    queryFn: () => body(api.GET('/v1/incidents/{id}', { params: { path: { id } } })),
    refetchInterval: 5_000,
  });

export const people = queryOptions({
  queryKey: ['people'],
  queryFn: async () => (await body(api.GET('/v1/people'))).people,
});
export const invitations = queryOptions({
  queryKey: ['invitations'],
  queryFn: async () => (await body(api.GET('/v1/invitations'))).invitations,
});
export const roles = queryOptions({
  queryKey: ['roles'],
  queryFn: async () => (await body(api.GET('/v1/roles'))).roles,
});
export const policy = queryOptions({
  queryKey: ['policy'],
  queryFn: () => body(api.GET('/v1/policy')),
  staleTime: Number.POSITIVE_INFINITY,
});
export const tokens = queryOptions({
  queryKey: ['tokens'],
  queryFn: async () => (await body(api.GET('/v1/tokens', { params: { query: { limit: 1000 } } }))).tokens,
});
export const sessions = queryOptions({
  queryKey: ['sessions'],
  queryFn: async () => (await body(api.GET('/v1/sessions'))).sessions,
});
export const approvals = queryOptions({
  queryKey: ['approvals'],
  queryFn: async () => (await body(api.GET('/v1/approvals'))).approvals,
  refetchInterval: 30_000,
});
