// /v1/projects and their environments; /v1/whoami and /v1/policy.
import { z } from 'zod';
import { demandTwoPeople } from '../../identity/approvals.ts';
import type { Operation } from '../../store/operation.ts';
import { ensureEnvironment } from '../../vault/create.ts';
import { STANDARD_ENVIRONMENTS } from '../../vault/names.ts';
import { PERMISSION_WORDS, PERMISSIONS, ROLE_PERMISSIONS } from '../../vault/policy.ts';
import type { Person } from '../caller.ts';
import { type Answer, change } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const environment = z.object({ project: z.string(), name: z.string(), createdAt: schema.when, twoPeople: z.boolean() });

function shownPerson({ id, email, name, twoFactor, signedInAt }: Person) {
  return { id, email, name, twoFactor, signedInAt };
}

export function registerPlaces(app: Api, service: Service): void {
  app.get(
    '/v1/projects',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['places'],
        summary: 'List the projects that you have to do with, and their environments',
        response: {
          200: z.object({ projects: z.array(z.object({ name: z.string(), environments: z.array(environment) })) }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const mine = [...ctx.environments.values()].filter((one) => ctx.access.knows(one.project));
      const projects = Map.groupBy(mine, (one) => one.project);
      return {
        projects: [...projects].map(([name, environments]) => ({
          name,
          environments: environments.map(({ project, name: of, createdAt, twoPeople }) => ({
            project,
            name: of,
            createdAt,
            twoPeople,
          })),
        })),
      };
    },
  );
  app.post(
    '/v1/projects',
    {
      config: { permission: 'places' },
      schema: {
        tags: ['places'],
        summary: 'Make a project, with the standard environments',
        body: z.object({ name: schema.place }),
        response: { 201: z.object({ name: z.string() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { name } = request.body;
        yield* ctx.authorize('places', { action: 'project.create', details: { name: name.slice(0, 64) } });
        for (const one of STANDARD_ENVIRONMENTS) yield* ensureEnvironment(ctx, { project: name, environment: one });
        return { status: 201, body: { name } };
      }),
  );
  app.post(
    '/v1/projects/:project/environments',
    {
      config: { permission: 'places' },
      schema: {
        tags: ['places'],
        summary: 'Make an environment',
        params: schema.inProject,
        body: z.object({ name: schema.place }),
        response: { 200: z.object({ name: z.string() }), 201: z.object({ name: z.string() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const project = ctx.project(request.params.project);
        const made = yield* ensureEnvironment(ctx, { project: project.name, environment: request.body.name });
        return { status: made ? 201 : 200, body: { name: request.body.name } };
      }),
  );
  app.patch(
    '/v1/projects/:project/environments/:environment',
    {
      config: { permission: 'settings' },
      schema: {
        tags: ['places'],
        summary: 'Demand two people for rotating, revealing and deleting here, or not any more',
        params: schema.inEnvironment,
        body: z.object({ twoPeople: z.boolean() }),
        response: { 200: z.object({ twoPeople: z.boolean() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* demandTwoPeople(ctx, request.params, request.body.twoPeople);
        return { status: 200, body: request.body };
      }),
  );
  app.get(
    '/v1/whoami',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'Who you are, and what you may do where',
        response: {
          200: z.object({
            principal: z.string(),
            person: z
              .object({
                id: z.string(),
                email: z.string(),
                name: z.string(),
                twoFactor: z.boolean(),
                signedInAt: schema.when,
              })
              .nullable(),
            vaultWide: z.array(z.string()),
            environments: z.array(
              z.object({ project: z.string(), environment: z.string(), permissions: z.array(z.string()) }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const may = (at: object) => PERMISSIONS.filter((one) => ctx.access.denial(one, at) === undefined);
      const { person } = request.caller ?? {};
      return {
        principal: ctx.principal,
        person: person ? shownPerson(person) : null,
        vaultWide: may({}),
        environments: [...ctx.environments.values()]
          .filter((one) => ctx.access.knows(one.project))
          .map((one) => ({
            project: one.project,
            environment: one.name,
            permissions: may({ project: one.project, environment: one.name }),
          }))
          .filter((one) => one.permissions.length > 0),
      };
    },
  );
  app.get(
    '/v1/policy',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'The whole policy: which role may do what',
        response: {
          200: z.object({
            permissions: z.record(z.string(), z.string()),
            roles: z.record(z.string(), z.array(z.string())),
          }),
          ...schema.problems,
        },
      },
    },
    async () => ({
      permissions: PERMISSION_WORDS,
      roles: Object.fromEntries(Object.entries(ROLE_PERMISSIONS).map(([role, may]) => [role, [...may]])),
    }),
  );
}
