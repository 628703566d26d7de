// The intake key: what browsers seal values to (client/sealed-value.ts). It is signed by the vault's signing key, is changed
// every week, and its bytes are forgotten a day after that: what was recorded on the way cannot be opened later.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  intakeKeyText,
  type OpeningKey,
  open,
  type Sealed,
  type SealedFor,
  type SignedIntakeKey,
} from '../client/sealed-value.ts';
import { RequestError, UsageError } from '../errors.ts';
import { all, type Operation, transaction } from '../store/operation.ts';
import { destroyKey, retireKey } from '../store/statements/keys.ts';
import { bumpKeys } from '../store/statements/vault-facts.ts';
import type { VaultContext, VaultState } from './context.ts';
import { createKey } from './create.ts';
import type { KeyRow } from './keyring.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const IN_USE_MS = 7 * DAY_MS;
/** A page that was opened just before a change may still save. */
const LIFE_MS = 8 * DAY_MS;
/** The fixed DER prefix of an X25519 private key in PKCS #8 (RFC 8410, section 7); the 32 bytes follow it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A sealed value with the name of the key that it was sealed to. */
export interface SealedToIntake extends Sealed {
  readonly keyId: string;
}

/**
 * Makes a new intake key where there is none or the one in use is a week old, and forgets those that are past their life.
 * Any number of servers may ask.
 */
export function* turnIntakeKey(ctx: VaultContext): Operation<void> {
  yield* ctx.refresh();
  if (isNew(ctx)) return;
  yield* transaction(turn(ctx));
  yield* ctx.refresh();
}

function isNew(ctx: VaultContext): boolean {
  const now = ctx.clock();
  const rows = ctx.keyring.intakeRows;
  const active = rows.find((one) => one.state === 'active');
  const stale = rows.some((one) => one.state === 'retiring' && now > one.created_at + LIFE_MS);
  return active !== undefined && now <= active.created_at + IN_USE_MS && !stale;
}

function* turn(ctx: VaultContext): Operation<void> {
  yield* ctx.refresh();
  const now = ctx.clock();
  const rows = ctx.keyring.intakeRows;
  const active = rows.find((one) => one.state === 'active');
  const old = active !== undefined && now > active.created_at + IN_USE_MS;
  const stale = rows.filter((one) => (one === active ? old : true) && now > one.created_at + LIFE_MS);
  if (active && !old && stale.length === 0) return;
  if (active && old) yield* all(retireKey, { id: active.id });
  for (const one of stale) yield* all(destroyKey, { id: one.id, now });
  const number =
    Math.max(0, ...ctx.keyring.rows.filter((one) => one.purpose === 'intake').map((one) => one.number)) + 1;
  if (!active || old) yield* createKey(ctx.rootKey, ctx.random, { purpose: 'intake', number, now });
  yield* all(bumpKeys, {});
  yield* ctx.log([{ action: 'key.rotate_intake', details: { number, destroyed: stale.length } }]);
}

interface Loaded {
  readonly row: KeyRow;
  readonly privateKey: OpeningKey;
  readonly signed: SignedIntakeKey;
}

/** Opens what was sealed to the vault's intake keys. Keeps each key as Web Crypto has it, out of reach as bytes. */
export class Intake {
  readonly #state: VaultState;
  readonly #loaded = new Map<string, Loaded>();

  constructor(state: VaultState) {
    this.#state = state;
  }

  /** The key to seal to now. @throws RequestError while there is none yet */
  get signedKey(): SignedIntakeKey {
    const row = this.#state.keyring.intakeRows.find((one) => one.state === 'active');
    if (row) return this.#load(row).signed;
    throw new RequestError('KT_INTAKE_KEY_GONE', 'The vault has no intake key yet.', 'Try again shortly.');
  }

  /**
   * Opens a value. The caller zeroes it.
   * @throws RequestError where the key is not there any longer; UsageError where the value does not open
   */
  async open(sealed: SealedToIntake, place: Omit<SealedFor, 'use' | 'vault'>): Promise<Buffer> {
    const row = this.#state.keyring.intakeRows.find((one) => one.key_id === sealed.keyId);
    if (!row || this.#state.clock() > row.created_at + LIFE_MS) {
      const what = 'The value was sealed to a key that is not in use any longer.';
      throw new RequestError('KT_INTAKE_KEY_GONE', what, 'Fetch the key of now (/v1/intake-key) and seal it again.');
    }
    const vault = this.#state.audit.vaultId;
    try {
      const bytes = await open(this.#load(row).privateKey, sealed, { use: 'set', vault, ...place });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch {
      // Why it does not open tells nobody anything: it is another value's, or was changed on the way.
      const next = 'Seal it for the project, environment and name that it is sent to.';
      throw new UsageError('The sealed value did not open.', next, 'KT_INPUT_INVALID');
    }
  }

  #load(row: KeyRow): Loaded {
    const known = this.#loaded.get(row.key_id);
    if (known) return known;
    const bytes = this.#state.keyring.intakeBytes(row);
    const der = Buffer.concat([PKCS8_PREFIX, bytes]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    bytes.fill(0);
    der.fill(0);
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
    const signing = this.#state.keyring.signingKey();
    const facts = {
      vault: this.#state.audit.vaultId,
      keyId: row.key_id,
      publicKey: x,
      notAfter: row.created_at + LIFE_MS,
    };
    const signed = {
      ...facts,
      signature: signing.sign(intakeKeyText(facts)).toString('base64url'),
      signedBy: signing.publicKey.toString('base64url'),
    };
    const loaded = { row, privateKey: key.toCryptoKey({ name: 'X25519' }, false, ['deriveBits']), signed };
    this.#loaded.set(row.key_id, loaded);
    return loaded;
  }
}
