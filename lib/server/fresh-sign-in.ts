// People who read values have to have signed in a moment ago: a session that somebody left open, or a cookie that was
// stolen, shows names and no values.
import type { FastifyRequest } from 'fastify';
import { RequestError } from '../errors.ts';
import { logTransaction } from '../store/operation.ts';
import type { Place } from '../vault/places.ts';
import { contextOf, type Service } from './service.ts';

/** How long (ms) a sign-in is fresh. */
const FRESH_MS = 5 * 60 * 1000;

/** @throws RequestError where a person signed in too long ago; the attempt is in the log. Programs have no sign-in. */
export async function askAgain(
  service: Service,
  request: FastifyRequest,
  at: Place & { readonly secret?: string },
): Promise<void> {
  const { person } = request.caller ?? {};
  const now = service.vault.clock();
  if (!person || now - person.signedInAt < FRESH_MS) return;
  const ctx = contextOf(service, request);
  const { project, name: environment } = ctx.environment(at);
  const where = { project, environment, ...(at.secret !== undefined && { secret: at.secret }) };
  const details = { reason: 'signed in too long ago' };
  const event = { action: 'secret.read', outcome: 'denied', ...where, details } as const;
  await service.vault.read(logTransaction(ctx.log([event])));
  throw new RequestError(
    'KT_REAUTHENTICATION_REQUIRED',
    'Values are shown to people who have signed in during the last five minutes.',
    'Sign in again, then ask again.',
  );
}
