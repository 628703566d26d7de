// /v1/intake-key: the key that browsers seal values to, so that nothing on the way to the vault holds them.
import { z } from 'zod';
import * as schema from '../schemas.ts';
import type { Api, Service } from '../service.ts';

export function registerIntake(app: Api, service: Service): void {
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
