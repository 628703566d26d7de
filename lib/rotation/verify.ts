// Proving that a new value works before it comes into use: its form, that it signs what it then verifies, and, where its
// provider can be asked, that the provider accepts it.
import { asUtf8 } from '../crypto/bytes.ts';
import { askAbout } from '../providers/ask.ts';
import type { CheckResult } from '../providers/provider.ts';
import { signsAndVerifies } from '../providers/signatures.ts';
import { type Operation, transaction } from '../store/operation.ts';
import type { VaultContext } from '../vault/context.ts';
import { recordCheck } from './checks.ts';
import { install } from './renewal.ts';
import { fail, issuedValue, move, type Subject, whyRefused } from './steps.ts';
import type { Trouble } from './trouble.ts';
import { sentence } from './trouble.ts';
import type { World } from './world.ts';

/** A key that was made a moment ago may not be known everywhere yet: so often it is asked about again. */
const PATIENT_CHECKS = 4;
const MOMENT_MS = 1_000;

export function* verify(ctx: VaultContext, world: World | undefined, subject: Subject): Operation<Trouble | undefined> {
  const value = yield* issuedValue(ctx, subject);
  try {
    const why = (yield* whyRefused(ctx, subject, value)) ?? whyUnsigned(ctx, world, subject, value);
    if (why !== undefined) {
      yield* fail(ctx, subject, `The new value was refused: ${why}.`);
      return undefined;
    }
    yield* install(ctx, world, subject, value);
    const held = world?.live ? world.providers.of(subject.rule) : undefined;
    const result = held && world && (yield* askAbout(ctx, world.providers, subject.environment, held, value));
    const trouble = result && troubleIn(subject, result);
    if (trouble) {
      if (trouble.passing) return trouble;
      yield* fail(ctx, subject, `The new value was refused: ${result.detail}.`);
      return undefined;
    }
    yield* transaction(
      (function* () {
        const version = subject.rotation.to_version ?? 0;
        if (!(yield* move(ctx, subject, { to: 'verified' })) || !result) return;
        yield* recordCheck(ctx, { secretId: subject.secret.id, version, result, tookMs: 0 });
      })(),
    );
    return undefined;
  } finally {
    value.fill(0);
  }
}

function whyUnsigned(ctx: VaultContext, world: World | undefined, subject: Subject, value: Buffer): string | undefined {
  const signature = world?.providers.of(subject.rule)?.kind.signature;
  const text = asUtf8(value);
  if (!signature || text === undefined) return undefined;
  return signsAndVerifies(signature, text, ctx.clock()) ? undefined : 'it does not verify what it signs';
}

function troubleIn({ rotation }: Subject, result: CheckResult): Trouble | undefined {
  if (result.status === 'valid' || result.status === 'restricted') return undefined;
  const what = sentence(result.detail);
  if (result.status !== 'refused') return { what, passing: true, afterMs: result.retryAfterMs };
  // What a person has pasted is refused at once; what the provider itself has just made may take a moment.
  const made = rotation.marker !== null && rotation.attempts < PATIENT_CHECKS;
  return made ? { what, passing: true, afterMs: MOMENT_MS } : { what, passing: false };
}
