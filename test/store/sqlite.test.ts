// The embedded store: its files, its migrations, its transactions, and SQL compiled ahead.
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../lib/store/migrations/migrations.ts';
import { all, first, transaction } from '../../lib/store/operation.ts';
import { SCHEMA_VERSION } from '../../lib/store/schema-version.ts';
import { SqliteStore } from '../../lib/store/sqlite.ts';
import { compileForSqlite } from '../../lib/store/sqlite-compiler.ts';
import { bindParameters, type Statement } from '../../lib/store/statement.ts';
import { putFact, selectFacts } from '../../lib/store/statements/vault-facts.ts';
import { codeOf, temporaryFolder } from '../support/vault.ts';

const newStore = () => {
  const path = join(temporaryFolder(), 'vault', 'keyturn.db');
  return { path, store: SqliteStore.create(path) };
};

describe('the store', () => {
  it('makes a file that only its user can read, in such a folder', () => {
    const { path, store } = newStore();
    store.run(transaction(all(putFact, { key: 'a', value: 'b' })));
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(join(path, '..'))) {
      expect(statSync(join(path, '..', file)).mode & 0o777, file).toBe(0o600);
    }
    store.close();
  });

  it('is made once: a second making leaves the first alone', () => {
    const { path, store } = newStore();
    store.close();
    const before = readFileSync(path);
    expect(codeOf(() => SqliteStore.create(path))).toBe('KT_VAULT_EXISTS');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('undoes a transaction that throws, and keeps one that does not', () => {
    const { store } = newStore();
    const failing = transaction(
      (function* () {
        yield* all(putFact, { key: 'lost', value: '1' });
        throw new Error('in the middle');
      })(),
    );
    expect(() => store.run(failing)).toThrow('in the middle');
    store.run(transaction(all(putFact, { key: 'kept', value: '2' })));
    expect(store.run(all(selectFacts, {}))).toEqual([{ key: 'kept', value: '2' }]);
    store.close();
  });

  it('goes on after a statement that fails', () => {
    const { store } = newStore();
    expect(() => store.run(all(putFact, { key: 'a', value: null as unknown as string }))).toThrow();
    expect(store.run(first(selectFacts, {}))).toBeUndefined();
    store.close();
  });

  it('refuses a schema that is newer than it knows, and changes nothing', () => {
    const { path, store } = newStore();
    store.close();
    const db = new DatabaseSync(path);
    db.exec(`UPDATE generation SET schema_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    expect(codeOf(() => SqliteStore.open(path))).toBe('KT_STORE_TOO_NEW');
  });

  it('finishes a file whose making was cut off before its tables', () => {
    const path = join(temporaryFolder(), 'keyturn.db');
    writeFileSync(path, '');
    const { store, from } = SqliteStore.openFrom(path);
    expect(from).toBe(0);
    expect(store.schemaVersion()).toBe(SCHEMA_VERSION);
    store.close();
  });

  it.each([
    [
      'text',
      (path: string) => writeFileSync(path, 'this is no database, but it is long enough to look at it'.repeat(100)),
    ],
    ['a file cut in the middle', (path: string) => truncateSync(path, 5000)],
    [
      'a file whose first page was overwritten',
      (path: string) => writeFileSync(path, Buffer.alloc(8192, 0x5a), { flag: 'r+' }),
    ],
  ])('says that %s is damaged, and leaves it as it is', (_, damage) => {
    const { path, store } = newStore();
    store.close();
    damage(path);
    const before = readFileSync(path);
    expect(codeOf(() => SqliteStore.open(path).run(all(selectFacts, {})))).toBe('KT_STORE_CORRUPT');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('says what to do where there is none', () => {
    expect(codeOf(() => SqliteStore.open(join(temporaryFolder(), 'none.db')))).toBe('KT_VAULT_NOT_FOUND');
  });
});

describe('migrations', () => {
  it('are numbered from 1 without gaps, up to the version that is opened', () => {
    expect(MIGRATIONS.map((one) => one.number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
    expect(MIGRATIONS.length).toBe(SCHEMA_VERSION);
  });
});

describe('statements', () => {
  const modules = import.meta.glob('../../lib/store/statements/*.ts', { eager: true }) as Record<
    string,
    Record<string, unknown>
  >;
  const statements = Object.values(modules)
    .flatMap((module) => Object.entries(module))
    .filter(
      (entry): entry is [string, Statement<never, unknown>] =>
        typeof (entry[1] as Statement<never, unknown>)?.build === 'function',
    );

  it('are found by the name of the constant that holds them, each its own', () => {
    expect(statements.length).toBeGreaterThan(40);
    for (const [name, value] of statements) expect(value.name).toBe(name);
    expect(new Set(statements.map(([name]) => name)).size).toBe(statements.length);
  });

  it.each(statements)('%s compiles, and SQLite takes it', (_, declared) => {
    const { path, store } = newStore();
    const compiled = compileForSqlite(declared);
    const db = new DatabaseSync(path);
    expect(() => db.prepare(compiled.sql)).not.toThrow();
    db.close();
    store.close();
    // No value of a call is ever part of the SQL.
    expect(compiled.sql.match(/\?/g)?.length ?? 0).toBe(compiled.slots.length);
  });

  it('bind by name; what is not given is null', () => {
    expect(bindParameters([{ hole: 'a' }, { value: 7 }, { hole: 'b' }], { a: 'x' })).toEqual(['x', 7, null]);
  });
});
