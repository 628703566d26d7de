// The head of a chain that only this process writes to is kept, and read anew after whatever may have undone an append.
import { expect, it } from 'vitest';
import { AuditLog } from '../../lib/audit/log.ts';
import { forEachEntry, verifyStore } from '../../lib/audit/read.ts';
import { type Operation, transaction } from '../../lib/store/operation.ts';
import { testVault } from '../support/vault.ts';

const ACTOR = { principal: 'tester', source: 'test' };

it('is right after an append that was rolled back, if that was said', () => {
  const { vault } = testVault();
  const { context } = vault;
  const log = new AuditLog({
    vaultId: context.audit.vaultId,
    chain: 'server-1',
    macKey: context.audit.macKey,
    signingKey: () => context.keyring.signingKey(),
    clock: Date.now,
    checkpointEvery: 'never',
    soleWriter: true,
  });
  const append = () => vault.run(transaction(log.append([{ action: 'secret.list' }], ACTOR)));
  function* undone(): Operation<void> {
    yield* log.append([{ action: 'secret.list' }], ACTOR);
    throw new Error('after the append');
  }
  append();
  append();
  expect(() => vault.run(transaction(undone()))).toThrow('after the append');
  log.forgetHead();
  append();
  const seqs: number[] = [];
  vault.run(
    forEachEntry((entry) => {
      if (entry.chain === 'server-1') seqs.push(entry.seq);
    }),
  );
  expect(seqs).toEqual([1, 2, 3]);
  expect(vault.run(verifyStore(context.audit))).toMatchObject({ intact: true });
});
