// Holds the vault against what clients were told: nothing acknowledged is lost, the log has all of it, no rotation was left half way.
import { forEachEntry, verifyStore } from '../lib/audit/read.ts';
import { all } from '../lib/store/operation.ts';
import type { AuditEntryTable } from '../lib/store/schema.ts';
import { selectRotationsSince } from '../lib/store/statements/rotations.ts';
import type { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { readSecret } from '../lib/vault/read.ts';
import type { ProviderServer } from '../test/support/provider-server.ts';
import type { SoakRecord } from './record.ts';

const AT = { project: 'default', environment: 'development' };

export interface Check {
  readonly what: string;
  /** What did not hold; empty where it did. */
  readonly wrong: readonly string[];
  readonly looked: string;
}

interface Log {
  readonly sets: ReadonlySet<string>;
  readonly reads: ReadonlyMap<string, number>;
  readonly moves: readonly string[];
  readonly entries: number;
}

function readLog(vault: EmbeddedVault): Log {
  const sets = new Set<string>();
  const reads = new Map<string, number>();
  const moves: string[] = [];
  let entries = 0;
  const note = (entry: AuditEntryTable): void => {
    entries += 1;
    const count = (key: string) => reads.set(key, (reads.get(key) ?? 0) + 1);
    if (entry.action === 'secret.set') sets.add(`${entry.secret}@${entry.version}`);
    if (entry.action === 'secret.read' && entry.outcome === 'ok') {
      if (entry.secret !== null) count(`${entry.secret}@${entry.version}`);
      // Of many read at once, an entry has the names with their versions.
      else for (const [name, version] of Object.entries(JSON.parse(entry.details ?? '{}'))) count(`${name}@${version}`);
    }
    if (entry.action !== 'rotation.move') return;
    const { rotation, to } = JSON.parse(entry.details ?? '{}') as { rotation: string; to: string };
    moves.push(`${rotation} ${to}`);
  };
  vault.run(forEachEntry(note));
  return { sets, reads, moves, entries };
}

function writesThere(vault: EmbeddedVault, record: SoakRecord): Check {
  const wrong: string[] = [];
  for (const [name, known] of record.names) {
    const { write, since } = known.last;
    if (write?.version === undefined) continue;
    const { version, value } = vault.run(readSecret(vault.context, AT, name));
    const text = value.toString();
    value.fill(0);
    // What was sent after it and got no answer may be there instead.
    const right = text === write.value || since.includes(text);
    if (!right || version < write.version)
      wrong.push(`${name}: version ${version}, after ${write.version} was acknowledged`);
  }
  return {
    what: 'no acknowledged write is lost',
    wrong,
    looked: `${record.counts.writes} writes to ${record.names.size} names`,
  };
}

function inLog(log: Log, record: SoakRecord): Check {
  const wrong: string[] = [];
  for (const [name, known] of record.names) {
    for (const { version } of known.writes) {
      if (version !== undefined && !log.sets.has(`${name}@${version}`)) wrong.push(`the write of ${name}@${version}`);
    }
    for (const [version, count] of known.reads) {
      const logged = log.reads.get(`${name}@${version}`) ?? 0;
      if (logged < count) wrong.push(`${count - logged} of ${count} reads of ${name}@${version}`);
    }
  }
  const looked = `${record.counts.writes} writes and ${record.counts.reads} reads, in ${log.entries} entries`;
  return { what: 'the audit log has every acknowledged operation', wrong, looked };
}

function logVerifies(vault: EmbeddedVault): Check {
  const verdict = vault.run(verifyStore(vault.context.audit));
  const wrong = verdict.intact && verdict.complete ? [] : [verdict.fault?.what ?? verdict.missing ?? 'not complete'];
  return {
    what: 'the audit log verifies',
    wrong,
    looked: `${verdict.entries} entries, ${verdict.checkpoints} checkpoints`,
  };
}

const ENDED = new Set(['revoked', 'rolled_back', 'failed']);

function rotationsEnded(vault: EmbeddedVault, log: Log, record: SoakRecord): Check {
  const rows = vault.run(all(selectRotationsSince, { since: 0, limit: 100_000 }));
  const there = new Set(rows.map((one) => one.id));
  const wrong = [...record.rotations]
    .filter((id) => !there.has(id))
    .map((id) => `rotation ${id} was acknowledged and is gone`);
  // A rotation with a grace of days is where it should be.
  const now = Date.now();
  for (const { id, name, state, grace_until } of rows) {
    if (ENDED.has(state) || (state === 'grace' && (grace_until ?? 0) > now - 60_000)) continue;
    wrong.push(`the rotation ${id} of ${name} was left in ${state}`);
  }
  const twice = log.moves.length - new Set(log.moves).size;
  if (twice > 0) wrong.push(`${twice} steps were taken twice`);
  const looked = `${rows.length} rotations, ${record.rotations.size} of them acknowledged, ${log.moves.length} steps`;
  return { what: 'no rotation is lost, left half way, or done twice', wrong, looked };
}

function providerKeys(vault: EmbeddedVault, provider: ProviderServer): Check {
  const { value } = vault.run(readSecret(vault.context, AT, 'OPENAI_API_KEY'));
  const inUse = value.toString();
  value.fill(0);
  const wrong: string[] = [];
  const live = provider.keys.filter((one) => one.live && !one.value.includes('admin'));
  if (!live.some((one) => one.value === inUse)) wrong.push('the key in use is not live at the provider');
  const rows = vault.run(all(selectRotationsSince, { since: 0, limit: 100_000 }));
  for (const { id, name, value: text } of live) {
    if (text === inUse) continue;
    const row = rows.find((one) => name.includes(one.id));
    const { state, marker, death, error } = row ?? {};
    wrong.push(`${id} (${name}) is an orphan; its rotation: ${JSON.stringify({ state, marker, death, error })}`);
  }
  return {
    what: 'the provider has one live key, and it is the one in use',
    wrong,
    looked: `${provider.keys.length} keys made`,
  };
}

export function checkAll(vault: EmbeddedVault, record: SoakRecord, provider: ProviderServer): Check[] {
  const log = readLog(vault);
  return [
    writesThere(vault, record),
    {
      what: 'no stale read, wrong value, or revoked token, while it ran',
      wrong: record.violations,
      looked: `${record.counts.reads} reads, ${record.counts.revocations} revocations`,
    },
    inLog(log, record),
    logVerifies(vault),
    rotationsEnded(vault, log, record),
    providerKeys(vault, provider),
  ];
}
