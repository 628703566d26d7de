// What an environment is connected to, provider by provider; and the catalogue that says what a secret may be.
import { z } from 'zod';
import { listIntegrations } from '../../rotation/integrations.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';
import { shownSecret } from './secrets.ts';

const BASE = '/v1/projects/:project/environments/:environment';

const field = z.object({
  name: z.string(),
  type: z.string(),
  purpose: z.string(),
  optional: z.boolean(),
  secret: z.boolean().describe('False for a setting.'),
  page: z.string().nullable().describe('The provider’s page where a person makes one.'),
  formats: z.array(z.string()),
  checkable: z.boolean(),
  current: schema.secretSummary.nullable(),
  check: z
    .object({
      status: z.enum(['valid', 'restricted', 'refused', 'throttled', 'unreachable']),
      detail: z.string(),
      mode: z.enum(['test', 'live']).nullable(),
      checkedAt: schema.when,
      expiresAt: schema.when.nullable(),
    })
    .nullable()
    .describe('The last live check of the version in use.'),
});

const integration = z
  .object({
    id: z.string(),
    title: z.string(),
    docs: z.string().nullable(),
    status: z.enum(['connected', 'failing', 'unreachable', 'unchecked', 'incomplete', 'empty']),
    checkedAt: schema.when.nullable(),
    expiresAt: schema.when.nullable(),
    fields: z.array(field),
  })
  .meta({ id: 'Integration' });

export function registerIntegrations(app: Api, service: Service): void {
  app.get(
    `${BASE}/integrations`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['oversight'],
        summary: 'The providers, what of each is there, and how it came out when it was asked last',
        params: schema.inEnvironment,
        response: { 200: z.object({ integrations: z.array(integration) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const found = await service.vault.read(listIntegrations(ctx, service.world, request.params));
      return {
        integrations: found.map((one) => ({
          ...one,
          fields: one.fields.map(({ current, formats, ...each }) => ({
            ...each,
            formats: [...formats],
            current: current && shownSecret(current),
          })),
        })),
      };
    },
  );
  app.get(
    '/v1/catalog',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['secrets'],
        summary: 'The types of secrets, and the names that are known',
        response: {
          200: z.object({
            types: z.array(
              z.object({
                name: z.string(),
                title: z.string(),
                intervalDays: z.int().nullable(),
                risk: z.string(),
                generated: z.boolean().describe('Whether Keyturn makes new values of it by itself.'),
              }),
            ),
            known: z.array(
              z.object({
                name: z.string(),
                type: z.string(),
                purpose: z.string(),
                provider: z.string().nullable(),
                critical: z.boolean(),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    async () => {
      const { catalog } = service.vault.state;
      return {
        types: catalog.typeNames.map((name) => {
          const { title, intervalDays, risk, generate } = catalog.type(name);
          return { name, title, intervalDays: intervalDays ?? null, risk, generated: generate !== undefined };
        }),
        known: catalog.known.map(({ name, type, purpose, provider, group }) => ({
          name,
          type,
          purpose,
          provider: provider ?? null,
          critical: group === 'critical',
        })),
      };
    },
  );
}
