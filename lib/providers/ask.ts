// Asking a provider, as an operation: reads what the question needs besides the value, and keeps no value longer than it
// takes to ask.
import { asUtf8 } from '../crypto/bytes.ts';
import { type Operation, outside } from '../store/operation.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment } from '../vault/places.ts';
import { openForUse } from '../vault/read.ts';
import type { Call, CheckResult } from './provider.ts';
import { ProviderError } from './provider.ts';
import type { Held, Providers } from './providers.ts';

/** What a call of a secret's provider is handed. */
export function* callOf(
  ctx: VaultContext,
  providers: Providers,
  environment: Environment,
  held: Held,
): Operation<Call> {
  const beside: Record<string, string> = {};
  for (const name of held.kind.beside ?? []) {
    const opened = yield* openForUse(ctx, environment, name, `to ask ${held.provider.title}`);
    const text = opened && asUtf8(opened.value);
    opened?.value.fill(0);
    if (text !== undefined) beside[name] = text;
  }
  return providers.call(providers.here(held, environment.name), beside);
}

/** The value of the admin credential that the project names for a provider. @throws ProviderError where it is not there */
export function* adminOf(
  ctx: VaultContext,
  providers: Providers,
  environment: Environment,
  held: Held,
): Operation<string> {
  const name = providers.here(held, environment.name).config.admin ?? '';
  const opened = yield* openForUse(ctx, environment, name, `to manage keys of ${held.provider.title}`);
  const text = opened && asUtf8(opened.value);
  opened?.value.fill(0);
  if (text !== undefined) return text;
  throw new ProviderError(`the admin credential ${name} is not in ${environment.project}/${environment.name}`, {
    passing: false,
  });
}

/** Asks whether a value works; undefined where nobody can be asked about its kind. */
export function* askAbout(
  ctx: VaultContext,
  providers: Providers,
  environment: Environment,
  held: Held,
  value: Buffer,
): Operation<CheckResult | undefined> {
  const { check } = held.kind;
  if (!check) return undefined;
  const text = asUtf8(value);
  if (text === undefined) return { status: 'refused', detail: 'it is binary, and no key of a provider is' };
  const call = yield* callOf(ctx, providers, environment, held);
  return yield* outside(() => asked(held, () => check(call, text)));
}

/** A check that fails by itself (a value that is no address, say) is an answer too, and one that holds no value. */
export async function asked(held: Held, check: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await check();
  } catch (error) {
    const { name } = error as Error;
    return { status: 'unreachable', detail: `${held.provider.title} could not be asked about such a value (${name})` };
  }
}
