// The whole audit log, page by page, for what has to go through all of it: others have their turn in between.
import { CSV_HEADER, csvEntry, exportCheckpoint, exportEntry, exportHeader } from '../audit/export.ts';
import { lostAnchor } from '../audit/read.ts';
import { checkCheckpoints, conclude, LogVerifier, type Verdict } from '../audit/verify.ts';
import { all } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import { selectChains, selectCheckpoints, selectEntriesAfter } from '../store/statements/audit.ts';
import type { ServedVault } from '../vault/served-vault.ts';

const PAGE = 1_000;

/** Every entry, chain by chain, in order, in pages. */
async function* entryPages(vault: ServedVault): AsyncGenerator<readonly AuditEntryTable[]> {
  for (const { chain } of await vault.read(all(selectChains, {}))) {
    let after = 0;
    for (;;) {
      const rows = await vault.read(all(selectEntriesAfter, { chain, after, limit: PAGE }));
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = last.seq;
      await new Promise(setImmediate);
    }
  }
}

/** The log as text, as `keyturn audit export` writes it. */
export async function* exportLines(vault: ServedVault, csv: boolean): AsyncGenerator<string> {
  const { audit } = vault.state;
  yield `${csv ? CSV_HEADER : exportHeader(audit.vaultId, audit.publicKey)}\n`;
  for await (const page of entryPages(vault)) yield `${page.map(csv ? csvEntry : exportEntry).join('\n')}\n`;
  if (csv) return;
  for (const one of await vault.read(all(selectCheckpoints, {}))) yield `${exportCheckpoint(one)}\n`;
}

/** @param anchors checkpoints that were kept elsewhere; each must still be here */
export async function verifyLog(
  vault: ServedVault,
  anchors: readonly { number: number; hash: Buffer }[],
): Promise<Verdict> {
  const { audit } = vault.state;
  const checkpoints = await vault.read(all(selectCheckpoints, {}));
  const checked = checkCheckpoints(audit.publicKey, checkpoints);
  const verifier = new LogVerifier(audit.vaultId, audit.macKey, checked.bodies);
  for await (const page of entryPages(vault)) for (const entry of page) verifier.push(entry);
  const lost = lostAnchor(checkpoints, anchors);
  return conclude({
    checked,
    chains: verifier.chains,
    entries: verifier.entries,
    checkpoints: checkpoints.length,
    macsChecked: true,
    ...(lost && { lostAnchor: lost.number }),
  });
}
