// What each step of an operation is in PostgreSQL's words, without sending any of it: the runner that waits and the one
// that cannot both do as this says.
import { StoreError, UsageError } from '../../errors.ts';
import { cannotWait, type OutsideStep, type Step } from '../operation.ts';
import { bindParameters, type CompiledStatement, type Statement } from '../statement.ts';
import { entriesJson, INSERT_ENTRIES, toPostgres } from './sql.ts';

/** Compiles a statement that the build has not. Handed in: it needs Kysely. */
export type Compile = (declared: Statement<never, unknown>) => CompiledStatement;

export interface PlannedQuery {
  /** The name that it is prepared under, for statements that come again. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Statements as PostgreSQL wants them, compiled once for all connections. */
export class PostgresStatements {
  readonly #compile: Compile;
  readonly #known = new Map<Statement<never, unknown>, CompiledStatement>();

  constructor(compile: Compile) {
    this.#compile = compile;
  }

  query(declared: Statement<never, unknown>, params: unknown): PlannedQuery {
    let compiled = this.#known.get(declared);
    if (!compiled) {
      compiled = toPostgres(declared.compiled ?? this.#compile(declared));
      this.#known.set(declared, compiled);
    }
    const values = bindParameters(compiled.slots, params);
    refuseNul(values);
    return { name: declared.name, text: compiled.sql, values };
  }
}

/**
 * PostgreSQL's text has no NUL character, and a statement that it refuses spoils the whole transaction: refused before it
 * is sent. @throws UsageError
 */
function refuseNul(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === 'string' && value.includes('\0'))
      throw new UsageError('A name or text has a NUL character in it.');
  }
}

export interface PlanOptions {
  readonly statements: PostgresStatements;
  readonly label: string;
  /** Runs before the commit of a transaction that changed more than the log: tells other processes. */
  readonly announcement: () => string;
  /** True where even a transaction that only appends to the log has to be alone: its chain has other writers. */
  readonly sharedChain: boolean;
}

/** The steps of one connection. */
export class TransactionPlan {
  readonly #at: PlanOptions;
  #depth = 0;
  #alone = false;
  #tells = false;

  constructor(options: PlanOptions) {
    this.#at = options;
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /** What to send for a step, one behind the other. The last one's rows are the step's. */
  queries(step: Step): PlannedQuery[] {
    if (step.kind === 'outside') throw cannotWait();
    if (!('statement' in step)) return this.#control(step);
    const { statements } = this.#at;
    if (step.kind !== 'many') return [statements.query(step.statement, step.params)];
    if (step.statement.name === 'insertEntry') {
      return [{ name: 'insertEntries', text: INSERT_ENTRIES, values: [entriesJson(step.params)] }];
    }
    return step.params.map((params) => statements.query(step.statement, params));
  }

  /**
   * To be called when all queries of a step have succeeded.
   * @param command what the last one was answered with
   * @throws StoreError for a commit that was a rollback: PostgreSQL gives no error for that
   */
  done(step: Step, command: string): void {
    if (step.kind === 'begin') this.#depth += 1;
    if (step.kind !== 'commit' || this.#depth > 0 || command === 'COMMIT') return;
    throw new StoreError('KT_STORE_UNUSABLE', {
      what: `The database at ${this.#at.label} rolled a transaction back.`,
      left: 'Nothing was changed.',
      next: 'Try again.',
    });
  }

  #control(step: Exclude<Step, { statement: unknown } | OutsideStep>): PlannedQuery[] {
    if (step.kind === 'begin') return this.#begin(step.alone, step.tells);
    this.#depth -= 1;
    const inner = `inner_${this.#depth}`;
    if (step.kind === 'rollback') {
      return this.#depth > 0
        ? [{ text: `rollback to ${inner}` }, { text: `release ${inner}` }]
        : [{ text: 'rollback' }];
    }
    if (this.#depth > 0) return [{ text: `release ${inner}` }];
    return this.#tells ? [{ text: this.#at.announcement() }, { text: 'commit' }] : [{ text: 'commit' }];
  }

  #begin(alone: boolean, tells: boolean): PlannedQuery[] {
    if (this.#depth > 0) return [{ text: `savepoint inner_${this.#depth}` }];
    this.#alone = alone || this.#at.sharedChain;
    this.#tells = tells;
    // The row that every change takes first: one writer at a time, as on SQLite, and each sees what the one before did.
    const lock = { name: 'lockVault', text: 'select keys from generation for update' };
    return this.#alone ? [{ text: 'begin' }, lock] : [{ text: 'begin' }];
  }
}
