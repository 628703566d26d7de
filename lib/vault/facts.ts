// The facts of a vault that are in the clear: which vault it is, and which root key it is under.
import type { PassphraseParameters } from '../crypto/root-key-source.ts';
import { all, type Operation } from '../store/operation.ts';
import { selectFacts } from '../store/statements/vault-facts.ts';

export interface Facts {
  readonly vaultId: string;
  readonly rootKeyId: string;
  readonly passphrase: PassphraseParameters | undefined;
}

/** Undefined where there is no vault in the store, or its making was cut off. */
export function* readFacts(): Operation<Facts | undefined> {
  const facts = new Map((yield* all(selectFacts, {})).map((row) => [row.key, row.value]));
  const vaultId = facts.get('vault_id');
  const rootKeyId = facts.get('root_key_id');
  if (vaultId === undefined || rootKeyId === undefined) return undefined;
  const passphrase = facts.get('passphrase');
  return {
    vaultId,
    rootKeyId,
    passphrase: passphrase === undefined ? undefined : (JSON.parse(passphrase) as PassphraseParameters),
  };
}
