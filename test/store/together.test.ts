// Transactions inside each other, and groups of operations that share one.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { all, type Operation, transaction } from '../../lib/store/operation.ts';
import { SqliteStore } from '../../lib/store/sqlite.ts';
import { deleteFact, putFact, selectFacts } from '../../lib/store/statements/vault-facts.ts';
import { temporaryFolder } from '../support/vault.ts';

const newStore = (onStatement?: (sql: string) => void) =>
  SqliteStore.create(join(temporaryFolder(), 'keyturn.db'), onStatement ? { onStatement } : {});
const put = (key: string, value = '1') => all(putFact, { key, value });
const keys = (store: SqliteStore) => store.run(all(selectFacts, {})).map((row) => row.key);

function* failing(key: string): Operation<void> {
  yield* transaction(
    (function* () {
      yield* put(key);
      throw new Error(`${key} fails`);
    })(),
  );
}

function* tolerant(): Operation<string> {
  yield* put('outer');
  try {
    yield* failing('inner');
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

it('an inner transaction that fails takes back what it did, and not what the outer one did', () => {
  const store = newStore();
  expect(store.run(transaction(tolerant()))).toBe('inner fails');
  expect(keys(store)).toEqual(['outer']);
});

it('an outer transaction that fails takes back what an inner one did', () => {
  const store = newStore();
  const outer = transaction(
    (function* () {
      yield* transaction(put('inner'));
      throw new Error('outer fails');
    })(),
  );
  expect(() => store.run(outer)).toThrow('outer fails');
  expect(keys(store)).toEqual([]);
});

it('a group is one commit, and one that fails in it takes only its own work back', () => {
  const seen: string[] = [];
  const store = newStore((sql) => seen.push(sql));
  seen.length = 0;
  const settled = store.runTogether([transaction(put('a')), failing('b'), transaction(put('c'))]);
  expect(settled.map((one) => ('error' in one ? (one.error as Error).message : 'done'))).toEqual([
    'done',
    'b fails',
    'done',
  ]);
  expect(keys(store)).toEqual(['a', 'c']);
  expect(seen.filter((sql) => sql === 'commit')).toHaveLength(3);
});

it('a group whose commit fails is lost as a whole, and the store goes on', () => {
  let armed = false;
  const store = newStore((sql) => {
    if (armed && sql.startsWith('delete')) throw Object.assign(new Error('disk'), { errcode: 13 });
  });
  armed = true;
  expect(store.runTogether([transaction(all(deleteFact, { key: 'x' }))])[0]).toMatchObject({
    error: { code: 'KT_STORE_FULL' },
  });
  armed = false;
  store.runTogether([transaction(put('later'))]);
  expect(keys(store)).toEqual(['later']);
});
