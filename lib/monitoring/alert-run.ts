// One run of the alerts: looks at the conditions, brings the book up to date, and sends what is queued.
import type { AlertsConfig } from '../config/operations.ts';
import type { Http } from '../providers/http.ts';
import type { Operation } from '../store/operation.ts';
import { listBackups } from '../vault/backup-files.ts';
import type { VaultContext } from '../vault/context.ts';
import type { VaultHome } from '../vault/home.ts';
import type { Place } from '../vault/places.ts';
import { type BookResult, updateBook } from './alert-book.ts';
import { type AlertWorld, alertWorldOf, deliverAlerts } from './alert-delivery.ts';
import { conditionsNow } from './conditions.ts';
import { observe } from './observe.ts';

export interface AlertRunOptions {
  readonly config: AlertsConfig;
  readonly http: Http;
  /** The place that commands mean when nobody says: where channels' secrets are, unless the configuration says otherwise. */
  readonly at: Place;
  readonly home: VaultHome;
  readonly destinations: readonly string[];
  readonly print: (line: string) => void;
}

export interface AlertRun {
  readonly world: AlertWorld;
  readonly config: AlertsConfig;
  readonly destinations: readonly string[];
  /** When the newest backup was made, ms since 1970. */
  readonly newestBackupAt: () => number | undefined;
}

export function alertRun(options: AlertRunOptions): AlertRun {
  const { config, http, at, home, destinations, print } = options;
  return {
    world: alertWorldOf(config, http, at, print),
    config,
    destinations,
    newestBackupAt: () => {
      const [newest] = listBackups(home);
      return newest && Date.parse(newest.createdAt);
    },
  };
}

/** @param strength true to judge strength too, which opens every value */
export function* updateAlerts(ctx: VaultContext, run: AlertRun, strength = false): Operation<BookResult> {
  const { config, world } = run;
  yield* observe(ctx);
  const conditions = yield* conditionsNow(ctx, {
    strength,
    unusedDays: config.unusedDays,
    backupDays: config.backupDays,
    rootKeyDays: config.rootKeyDays,
    newestBackupAt: run.newestBackupAt(),
    destinations: run.destinations,
  });
  const result = yield* updateBook(ctx, conditions, world);
  yield* deliverAlerts(ctx, world);
  return result;
}
