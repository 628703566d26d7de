// /v1/intake-key and …/reveal: values sealed on their way to the vault and back, so that nothing between holds them.
import { z } from 'zod';
import { fromBase64url, type Sealed, type SealedFor, seal } from '../../client/sealed-value.ts';
import { asUtf8 } from '../../crypto/bytes.ts';
import { UsageError } from '../../errors.ts';
import { requireApproval } from '../../identity/approvals.ts';
import { readSecret, readVersion } from '../../vault/read.ts';
import { askAgain } from '../fresh-sign-in.ts';
import { approvalOf } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';

export function registerIntake(app: Api, service: Service): void {
  revealing(app, service);
  app.get(
    '/v1/intake-key',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['secrets'],
        summary: 'The key to seal values to, signed by the vault; a new one every week',
        description:
          'HPKE (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. docs/formats.md says what is bound to it.',
        response: {
          200: z
            .object({
              vault: z.string(),
              keyId: z.string(),
              publicKey: z.string().describe('X25519, 32 bytes, base64url.'),
              notAfter: schema.when,
              signature: z.string().describe('Ed25519, base64url.'),
              signedBy: z.string().describe('The vault’s signing key: Ed25519, 32 bytes, base64url.'),
            })
            .meta({ id: 'IntakeKey' }),
          ...schema.problems,
        },
      },
    },
    async () => service.intake.signedKey,
  );
}

function revealing(app: Api, service: Service): void {
  app.post(
    `${BASE}/secrets/:name/reveal`,
    {
      config: { permission: 'read', reads: true },
      schema: {
        tags: ['secrets'],
        summary: 'Read a value sealed to a key of your own, with a reason',
        description:
          'HPKE (RFC 9180) to an X25519 key that is made for this one answer. For people; wants a sign-in of the last five minutes.',
        params: schema.ofSecret,
        body: z.object({
          recipient: z.base64url().length(43).describe('X25519, 32 bytes, base64url.'),
          reason: z.string().trim().min(3).max(200).describe('Why; it is in the audit log.'),
          version: z.int().min(1).max(2_147_483_647).optional().describe('The one in use where not given.'),
        }),
        response: {
          200: z.object({
            vault: z.string(),
            project: z.string(),
            environment: z.string(),
            name: z.string(),
            version: z.int(),
            text: z.boolean().describe('Whether the bytes are UTF-8 text.'),
            enc: z.string(),
            ciphertext: z.string(),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { name } = request.params;
      const { recipient, reason, version } = request.body;
      if (!request.caller?.person) throw new UsageError('Only people reveal values.', 'A program reads them.');
      await askAgain(service, request, { ...request.params, secret: name });
      await service.vault.read(requireApproval(ctx, 'read', request.params, name, approvalOf(request)));
      const options = { purpose: 'reveal', reason };
      const opened = await service.vault.read(
        version === undefined
          ? readSecret(ctx, request.params, name, options)
          : readVersion(ctx, request.params, name, version, options),
      );
      const { project, name: environment } = opened.environment;
      const facts = { vault: ctx.audit.vaultId, project, environment, name: opened.name };
      try {
        const text = asUtf8(opened.value) !== undefined;
        const sealed = await sealReveal(recipient, opened.value, facts);
        return { ...facts, version: opened.version, text, ...sealed };
      } finally {
        opened.value.fill(0);
      }
    },
  );
}

/** @throws UsageError where the key is none */
async function sealReveal(recipient: string, value: Buffer, facts: Omit<SealedFor, 'use'>): Promise<Sealed> {
  // Web Crypto wants bytes of their own.
  const bytes = new Uint8Array(value);
  try {
    return await seal(fromBase64url(recipient), bytes, { use: 'reveal', ...facts });
  } catch {
    throw new UsageError('`recipient` is no X25519 public key.', 'Make a pair for this one request.');
  } finally {
    bytes.fill(0);
  }
}
