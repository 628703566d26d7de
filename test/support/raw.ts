// A forger's or an administrator's way past the vault: plain SQL on its database, whichever that is.
import { createHash } from 'node:crypto';
import { all } from '../../lib/store/operation.ts';
import type { Slot, Statement } from '../../lib/store/statement.ts';
import type { VaultStore } from '../../lib/store/vault-store.ts';

type Row = Record<string, string | number | null | Uint8Array>;

function statement(sql: string, values: readonly unknown[]): Statement<never, unknown> {
  const name = `raw_${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
  const slots = values.map((_, index): Slot => ({ hole: String(index) }));
  return {
    name,
    compiled: { sql, slots },
    build: () => {
      throw new Error('is compiled');
    },
  };
}

export class RawDatabase {
  readonly #store: VaultStore;

  constructor(store: VaultStore) {
    this.#store = store;
  }

  exec(sql: string): void {
    for (const one of sql.split(';').filter((part) => part.trim() !== '')) {
      this.#store.run(all(statement(one, []), {} as never));
    }
  }

  prepare(sql: string): {
    all(...values: unknown[]): Row[];
    get(...values: unknown[]): Row | undefined;
    run(...values: unknown[]): void;
  } {
    const rows = (...values: unknown[]) =>
      this.#store.run(all(statement(sql, values), Object.fromEntries(values.entries()) as never)) as Row[];
    return { all: rows, get: (...values) => rows(...values)[0], run: (...values) => void rows(...values) };
  }
}
