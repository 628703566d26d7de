// Exported audit logs: what an auditor is handed. Every line is taken or refused, and a changed log is not called intact.
import { signCheckpoint } from '../../lib/audit/checkpoint.ts';
import { type AuditEntry, genesisHash, hashEntry, type SealedEntry } from '../../lib/audit/entry.ts';
import { ExportVerifier, exportCheckpoint, exportEntry, exportHeader } from '../../lib/audit/export.ts';
import { signingKeyFromSeed } from '../../lib/crypto/signing.ts';
import { answers, type FuzzTarget, fixedRandom, holds } from '../target.ts';

const key = signingKeyFromSeed(fixedRandom(4)(32));

function log(): string {
  const lines = [exportHeader('v1', key.publicKey)];
  let previous: Uint8Array = genesisHash('v1', 'main');
  for (let seq = 1; seq <= 3; seq += 1) {
    const entry = {
      chain: 'main',
      seq,
      time: 1_700_000_000_000 + seq,
      principal: 'ann',
      action: 'secret.read',
      outcome: 'ok',
      project: 'default',
      environment: 'production',
      secret: 'JWT_SECRET',
      version: seq,
      source: 'cli',
      details: null,
    } as unknown as AuditEntry;
    const hash = hashEntry(previous, entry);
    lines.push(exportEntry({ ...entry, hash, mac: Buffer.alloc(32) } as SealedEntry));
    previous = hash;
  }
  const heads = [{ chain: 'main', seq: 3, hash: Buffer.from(previous).toString('base64url') }];
  const body = { format: 1, vault: 'v1', number: 1, time: 1_700_000_001_000, heads, previous: null } as const;
  lines.push(exportCheckpoint(signCheckpoint(key, body)));
  return `${lines.join('\n')}\n`;
}

const whole = log();

/** What the entries of an export say, however their JSON is written; MACs need the vault's key and say nothing here. */
function entriesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((one) => typeof one.chain === 'string')
    .map(({ mac: _mac, hash: _hash, ...rest }) => JSON.stringify(Object.entries(rest).sort()));
}
const written = entriesOf(whole);

export const target: FuzzTarget = {
  name: 'audit-export',
  seeds: () => [Buffer.from(whole)],
  run: (input) => {
    const verifier = new ExportVerifier(key.publicKey);
    const text = input.toString('utf8');
    const verdict = answers(() => {
      for (const line of text.split('\n')) verifier.push(line);
      return verifier.end();
    });
    // Without a signature anybody can write a log: what a checkpoint of this key covers, nobody else can.
    if (!verdict?.intact || !verdict.complete || verdict.checkpoints === 0) return;
    const there = new Set(entriesOf(text));
    holds(
      written.every((one) => there.has(one)),
      'an intact log with this signature has every entry as it was written',
    );
  },
};
