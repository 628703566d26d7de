// Runs the steps of operations on one PostgreSQL connection.
import type { Client } from 'pg';
import type { Operation, Step } from '../operation.ts';
import { postgresError } from './connection.ts';
import { type PlanOptions, TransactionPlan } from './plan.ts';

export class PostgresRunner {
  readonly #client: Client;
  readonly #label: string;
  readonly #plan: TransactionPlan;
  readonly #undone: () => void;

  /** @param undone called when something was rolled back, or may have been */
  constructor(client: Client, options: PlanOptions, undone: () => void) {
    this.#undone = undone;
    this.#client = client;
    this.#label = options.label;
    this.#plan = new TransactionPlan(options);
  }

  get inTransaction(): boolean {
    return this.#plan.inTransaction;
  }

  async run<T>(operation: Operation<T>): Promise<T> {
    let next = operation.next([]);
    while (!next.done) {
      let rows: readonly unknown[];
      try {
        rows = await this.step(next.value);
      } catch (error) {
        next = operation.throw(postgresError(this.#label, error));
        continue;
      }
      next = operation.next(rows);
    }
    return next.value;
  }

  async step(step: Step): Promise<readonly unknown[]> {
    if (step.kind === 'rollback') this.#undone();
    const queries = this.#plan.queries(step);
    try {
      const results = await Promise.all(
        queries.map(({ name, text, values = [] }) =>
          this.#client.query({ text, values: [...values], ...(name !== undefined && { name }) }),
        ),
      );
      const last = results.at(-1);
      this.#plan.done(step, last?.command ?? '');
      return last?.rows ?? [];
    } catch (error) {
      this.#undone();
      // The connection must not stay in a transaction that nobody knows of; where it is gone, so is that.
      if (step.kind === 'begin' && !this.inTransaction) await this.#client.query('rollback').catch(() => undefined);
      throw error;
    }
  }
}
