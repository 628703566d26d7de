// A value's leak print as its version's row holds it: made where the value is sealed, and sealed itself.
import { asBuffer } from '../crypto/bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { decodePrint, encodePrint, type LeakPrint, leakPrintOf } from '../crypto/leak-print.ts';
import { a256gcm } from '../crypto/suites/a256gcm.ts';
import type { VaultContext } from './context.ts';

function printContext(secretId: number, number: number): string[] {
  return ['keyturn/v1/leak-print', String(secretId), String(number)];
}

/** A value's print, sealed for its version's row; also where it has none, which is then known. */
export function sealPrint(ctx: VaultContext, secretId: number, number: number, value: Uint8Array): Buffer {
  const print = encodePrint(leakPrintOf(ctx.state.leakKey, value));
  // Always this suite: a print is no secret value, and is opened by the thousand.
  return sealEnvelope(ctx.keyring.printSealingKey, a256gcm, printContext(secretId, number), print, ctx.random);
}

/** Undefined where the value is too short or too easily guessed to be looked for. @throws DecryptionError */
export function openPrint(
  ctx: VaultContext,
  secretId: number,
  number: number,
  sealed: Uint8Array,
): LeakPrint | undefined {
  return decodePrint(openEnvelope(ctx.keyring.printSealingKey, printContext(secretId, number), asBuffer(sealed)));
}
