// The audit log: what a forger with the file in hand can do to it, and what verification then says.
import { describe, expect, it } from 'vitest';
import { anchorOf, checkpointSigned, parseAnchor, parseCheckpoint } from '../../lib/audit/checkpoint.ts';
import { canonicalEntry, detailsText, hashEntry } from '../../lib/audit/entry.ts';
import { csvEntry, ExportVerifier, exportCheckpoint, exportEntry, exportHeader } from '../../lib/audit/export.ts';
import { GroupCommit } from '../../lib/audit/group-commit.ts';
import { AuditLog } from '../../lib/audit/log.ts';
import { forEachEntry, newestEntries, verifyStore } from '../../lib/audit/read.ts';
import { all, transaction } from '../../lib/store/operation.ts';
import type { AuditEntryTable } from '../../lib/store/schema.ts';
import { selectChains, selectCheckpoints } from '../../lib/store/statements/audit.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { openCurrent, readSecret } from '../../lib/vault/read.ts';
import { RawDatabase } from '../support/raw.ts';
import { DEVELOPMENT, HOUR, put, testVault } from '../support/vault.ts';

const verify = (vault: EmbeddedVault, anchors: string[] = []) =>
  vault.run(
    verifyStore(
      vault.context.audit,
      anchors.flatMap((text) => parseAnchor(text) ?? []),
    ),
  );

const entriesOf = (vault: EmbeddedVault) => {
  const entries: AuditEntryTable[] = [];
  vault.run(forEachEntry((entry) => entries.push(entry)));
  return entries;
};

/** A vault whose log has some twenty entries, and its file opened by a forger. */
function tampered(forge: (db: RawDatabase, last: number) => void) {
  const made = testVault();
  for (let n = 0; n < 20; n += 1) put(made.vault, 'NAME', `value ${n}`);
  const anchor = made.vault.run(transaction(made.vault.context.audit.checkpoint()));
  const db = new RawDatabase(made.vault.store);
  const last = Number(db.prepare('SELECT max(seq) AS last FROM audit_entries').get()?.last);
  forge(db, last);
  return { ...made, last, anchor: anchorOf(anchor) };
}

/** What a forger who knows the format, but not the audit key, does: hashes again from entry `from` on. */
function rehash(db: RawDatabase, from: number): void {
  const rows = db.prepare('SELECT * FROM audit_entries ORDER BY seq').all() as unknown as AuditEntryTable[];
  let hash: Buffer = Buffer.from(rows.find((row) => row.seq === from - 1)?.hash ?? []);
  for (const row of rows.filter((one) => one.seq >= from)) {
    hash = hashEntry(hash, row);
    db.prepare('UPDATE audit_entries SET hash = ? WHERE seq = ?').run(hash, row.seq);
  }
}

const renumber = (db: RawDatabase, from: number, by: number) => {
  // In two steps: numbers are unique at every moment.
  db.exec(`UPDATE audit_entries SET seq = -(seq + ${by}) WHERE seq >= ${from}`);
  db.exec('UPDATE audit_entries SET seq = -seq WHERE seq < 0');
};

describe('an untouched log', () => {
  it('is intact and complete, from the first operation on', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'value');
    const verdict = verify(vault);
    expect(verdict).toMatchObject({ intact: true, complete: true, macsChecked: true });
    expect(entriesOf(vault)[0]).toMatchObject({ seq: 1, action: 'vault.create', principal: 'tester' });
  });

  it('has no value in it, only a keyed fingerprint', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'planted-value-4711');
    vault.run(readSecret(vault.context, DEVELOPMENT, 'NAME')).value.fill(0);
    const text = entriesOf(vault).map(canonicalEntry).join('\n');
    expect(text).toContain('NAME');
    expect(text).not.toContain('planted-value-4711');
    expect(text).not.toContain(Buffer.from('planted-value-4711').toString('hex'));
  });

  it('stays whole when the clock jumps back', () => {
    const { vault, clock } = testVault();
    put(vault, 'A', 'one');
    clock.now -= 3 * 24 * HOUR;
    put(vault, 'A', 'two');
    expect(verify(vault)).toMatchObject({ intact: true, complete: true });
  });
});

describe('a forger who', () => {
  it('changes an entry is found out at that entry', () => {
    const { vault } = tampered((db) => db.exec("UPDATE audit_entries SET principal = 'someone else' WHERE seq = 9"));
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'changed', seq: 9 } });
  });

  it('changes an entry and hashes everything again is found out at that entry', () => {
    const { vault } = tampered((db) => {
      db.exec("UPDATE audit_entries SET principal = 'someone else' WHERE seq = 9");
      rehash(db, 9);
    });
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'changed', seq: 9 } });
  });

  it('removes an entry is found out', () => {
    const { vault } = tampered((db) => db.exec('DELETE FROM audit_entries WHERE seq = 9'));
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'removed', seq: 9 } });
  });

  it('removes an entry and renumbers those after it is found out', () => {
    const { vault } = tampered((db) => {
      db.exec('DELETE FROM audit_entries WHERE seq = 9');
      renumber(db, 10, -1);
    });
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'removed', seq: 9 } });
  });

  it('swaps two entries is found out', () => {
    const { vault } = tampered((db) => {
      db.exec('UPDATE audit_entries SET seq = -9 WHERE seq = 9');
      db.exec('UPDATE audit_entries SET seq = 9 WHERE seq = 10');
      db.exec('UPDATE audit_entries SET seq = 10 WHERE seq = -9');
    });
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'reordered', seq: 9 } });
  });

  it('inserts an entry is found out', () => {
    const { vault } = tampered((db) => {
      renumber(db, 9, 1);
      db.exec(
        `INSERT INTO audit_entries SELECT chain, 9, time, 'forger', action, outcome, project, environment, secret, version,
         source, details, hash, mac FROM audit_entries WHERE seq = 8`,
      );
    });
    const { fault } = verify(vault);
    expect(fault?.seq).toBe(9);
    expect(['inserted', 'reordered']).toContain(fault?.kind);
  });

  it('inserts an entry of his own making is found out as such', () => {
    const { vault } = tampered((db) => {
      renumber(db, 9, 1);
      db.prepare(
        `INSERT INTO audit_entries SELECT chain, 9, time, 'forger', action, outcome, project, environment, secret, version,
         source, details, hash, ? FROM audit_entries WHERE seq = 8`,
      ).run(Buffer.alloc(32, 1));
    });
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'inserted', seq: 9 } });
  });

  it('cuts the tail off leaves an intact log that a checkpoint shows to be incomplete', () => {
    const { vault } = tampered((db, last) => db.exec(`DELETE FROM audit_entries WHERE seq > ${last - 3}`));
    expect(verify(vault)).toMatchObject({ intact: true, complete: false });
  });

  it('cuts the tail and the checkpoints is shown up by an anchor that was kept elsewhere', () => {
    const { vault, anchor } = tampered((db, last) => {
      db.exec(`DELETE FROM audit_entries WHERE seq > ${last - 3}`);
      db.exec('DELETE FROM audit_checkpoints WHERE number = (SELECT max(number) FROM audit_checkpoints)');
    });
    expect(verify(vault)).toMatchObject({ intact: true, complete: true });
    expect(verify(vault, [anchor])).toMatchObject({ intact: true, complete: false });
  });

  it('writes a checkpoint of his own is found out', () => {
    const { vault } = tampered((db) =>
      db.exec('UPDATE audit_checkpoints SET body = replace(body, \'"number":1\', \'"number":1 \') WHERE number = 1'),
    );
    expect(verify(vault)).toMatchObject({ intact: false, fault: { kind: 'checkpoint', seq: 1 } });
  });
});

describe('checkpoints', () => {
  it('are made by themselves, at the first entry, every 256 and every hour', () => {
    const { vault, clock } = testVault();
    const numbers = () => vault.run(all(selectCheckpoints, {})).length;
    const before = numbers();
    clock.forward(2 * HOUR);
    put(vault, 'A', 'x');
    expect(numbers()).toBe(before + 1);
    for (let n = 0; n < 256; n += 1) put(vault, 'A', `value ${n}`);
    expect(numbers()).toBe(before + 2);
  });

  it('can be checked with the public key alone', () => {
    const { vault } = testVault();
    const checkpoint = vault.run(transaction(vault.context.audit.checkpoint()));
    const { publicKey } = vault.context.audit;
    expect(checkpointSigned(publicKey, checkpoint)).toBe(true);
    expect(checkpointSigned(Buffer.alloc(32, 1), checkpoint)).toBe(false);
    expect(checkpointSigned(Buffer.alloc(5), checkpoint)).toBe(false);
    expect(checkpointSigned(publicKey, { ...checkpoint, body: `${checkpoint.body} ` })).toBe(false);
    expect(parseCheckpoint(checkpoint).heads[0]).toMatchObject({ chain: 'main' });
  });

  it('tie together the chains of several writers', () => {
    const { vault } = testVault();
    const { context } = vault;
    put(vault, 'A', 'x');
    const second = new AuditLog({
      vaultId: context.audit.vaultId,
      chain: 'second',
      macKey: context.audit.macKey,
      signingKey: () => context.keyring.signingKey(),
      clock: Date.now,
    });
    for (let n = 0; n < 300; n += 1)
      vault.run(transaction(second.append([{ action: 'secret.list' }], { principal: 'other', source: 'test' })));
    expect(vault.run(all(selectChains, {}))).toEqual([{ chain: 'main' }, { chain: 'second' }]);
    const last = parseCheckpoint(vault.run(transaction(context.audit.checkpoint())));
    expect(last.heads.map((head) => head.chain)).toEqual(['main', 'second']);
    expect(verify(vault)).toMatchObject({ intact: true, complete: true, uncovered: 0 });
  });

  it('reads anchors, and only anchors', () => {
    const { vault } = testVault();
    const anchor = anchorOf(vault.run(transaction(vault.context.audit.checkpoint())));
    expect(parseAnchor(` ${anchor.toUpperCase()}\n`)?.number).toBeGreaterThan(0);
    for (const text of ['', 'kta1-0-', anchor.slice(0, -1), `${anchor}0`, 'kta2-1-'.padEnd(71, 'a')]) {
      expect(parseAnchor(text)).toBeUndefined();
    }
  });
});

describe('an exported log', () => {
  const exported = (vault: EmbeddedVault) => {
    vault.run(transaction(vault.context.audit.checkpoint()));
    const lines = [exportHeader(vault.context.audit.vaultId, vault.context.audit.publicKey)];
    lines.push(...entriesOf(vault).map(exportEntry), ...vault.run(all(selectCheckpoints, {})).map(exportCheckpoint));
    return lines;
  };
  const check = (lines: string[], key?: Buffer) => {
    const verifier = new ExportVerifier(key);
    for (const line of lines) verifier.push(line);
    return verifier.end();
  };
  const filled = () => {
    const made = testVault();
    for (let n = 0; n < 20; n += 1) put(made.vault, 'NAME', `value ${n}`);
    return made.vault;
  };

  it('verifies anywhere, without the vault', () => {
    const vault = filled();
    expect(check(exported(vault), vault.context.audit.publicKey)).toMatchObject({
      intact: true,
      complete: true,
      macsChecked: false,
    });
  });

  it('shows a changed, removed, doubled or reordered line, and a cut tail', () => {
    const lines = exported(filled());
    const at = 10;
    const edit = (change: (copy: string[]) => void) => {
      const copy = [...lines];
      change(copy);
      return check(copy);
    };
    expect(edit((c) => c.splice(at, 1, (c[at] ?? '').replace('tester', 'forger')))).toMatchObject({
      fault: { kind: 'changed', seq: at },
    });
    expect(edit((c) => c.splice(at, 1))).toMatchObject({ fault: { kind: 'removed', seq: at } });
    expect(edit((c) => c.splice(at, 0, c[at] ?? ''))).toMatchObject({ fault: { kind: 'inserted', seq: at } });
    expect(edit((c) => c.splice(at, 2, c[at + 1] ?? '', c[at] ?? ''))).toMatchObject({
      fault: { kind: 'reordered', seq: at },
    });
    const lastEntry = lines.findIndex((line) => line.startsWith('{"checkpoint"')) - 1;
    expect(edit((c) => c.splice(lastEntry, 1))).toMatchObject({ intact: true, complete: false });
  });

  it('is not believed under another public key', () => {
    const { context } = testVault().vault;
    expect(check(exported(filled()), context.audit.publicKey)).toMatchObject({
      intact: false,
      fault: { kind: 'checkpoint' },
    });
  });

  it('names the line that is none', () => {
    const lines = exported(filled());
    expect(() => check([...lines.slice(0, 5), 'not json'])).toThrow(/Line 6/);
    expect(() => check(['{}'])).toThrow(/Line 1/);
    expect(() => check([])).toThrow();
  });

  it('as CSV keeps a spreadsheet from running what it reads', () => {
    const entry = { ...entriesOf(filled())[3], principal: '=HYPERLINK("x")', secret: 'a,"b"' } as AuditEntryTable;
    expect(csvEntry(entry)).toContain(`"'=HYPERLINK(""x"")"`);
    expect(csvEntry(entry)).toContain('"a,""b"""');
  });
});

describe('reading back', () => {
  it('filters by secret, action, outcome and time, newest first', () => {
    const { vault, clock } = testVault();
    put(vault, 'ONE', 'x');
    clock.forward(HOUR);
    put(vault, 'TWO', 'x');
    expect(() => vault.run(readSecret(vault.context, DEVELOPMENT, 'NONE'))).toThrow();
    const find = (filter: Parameters<typeof newestEntries>[0]) => vault.run(newestEntries(filter, 10));
    expect(find({ secret: 'one' }).map((entry) => entry.action)).toEqual(['secret.set']);
    expect(find({ action: 'secret' }).map((entry) => entry.secret)).toEqual(['NONE', 'TWO', 'ONE']);
    expect(find({ outcome: 'failed' }).map((entry) => entry.secret)).toEqual(['NONE']);
    expect(find({ since: clock.now, action: 'secret.set' }).map((entry) => entry.secret)).toEqual(['TWO']);
  });

  it('writes details with sorted keys, so that the same facts are the same bytes', () => {
    expect(detailsText({ b: 1, a: 2 })).toBe('{"a":2,"b":1}');
    expect(detailsText({})).toBeNull();
  });
});

describe('group commit', () => {
  it('writes all of a moment together, and each caller goes on when that is durable', async () => {
    const groups: string[][] = [];
    const commits = new GroupCommit<string>((items) => void groups.push([...items]));
    await Promise.all(['a', 'b', 'c'].map((item) => commits.add(item)));
    await commits.add('d');
    expect(groups).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('fails all of a group with the same error, and goes on with the next', async () => {
    let fail = true;
    const commits = new GroupCommit<number>(() => {
      if (fail) throw new Error('disk');
    });
    const results = await Promise.allSettled([commits.add(1), commits.add(2)]);
    expect(results.map((one) => one.status)).toEqual(['rejected', 'rejected']);
    fail = false;
    await expect(commits.add(3)).resolves.toBeUndefined();
  });

  it('serves concurrent reads of a vault by one transaction', async () => {
    let begins = 0;
    const { vault } = testVault({
      onStatement: (sql) => {
        if (sql === 'begin') begins += 1;
      },
    });
    for (let n = 0; n < 50; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    begins = 0;
    const environment = vault.context.environment(DEVELOPMENT);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        vault.logTogether(vault.run(openCurrent(vault.context, environment, `NAME_${n}`))),
      ),
    );
    expect(begins).toBe(1);
    expect(vault.run(newestEntries({ action: 'secret.read' }, 100))).toHaveLength(50);
  });
});
