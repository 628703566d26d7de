// The words that columns hold, as types of their own: the package's public types use them, and those must not lead to
// the query builder's.

export type VersionOrigin = 'set' | 'import' | 'rotation' | 'rollback' | 'restore';

export type AuditOutcome = 'ok' | 'denied' | 'failed';

export type RotationState =
  | 'planned'
  | 'issued'
  | 'verified'
  | 'promoted'
  | 'distributed'
  | 'grace'
  | 'revoked'
  | 'failed'
  | 'rolled_back';

/** Why a rotation was begun. */
export type RotationReason = 'asked' | 'schedule' | 'compromise';

/** Whether a revoked value is refused where it was valid; `local` for one that nobody but us can refuse. */
export type Death = 'dead' | 'alive' | 'unknown' | 'local';

/** What a live check has found: `unchecked` where nobody can be asked. */
export type CheckStatus = 'valid' | 'restricted' | 'refused' | 'throttled' | 'unreachable';

/** Where a version is on its way to a destination; `live` is seen (or, where nothing answers, certain) to be in use. */
export type DeliveryState = 'waiting' | 'pushed' | 'deploying' | 'live' | 'failed' | 'drifted' | 'replaced' | 'removed';

export type IncidentKind = 'compromise' | 'destination' | 'rotation' | 'leak';

export type ReportKind = 'daily' | 'weekly' | 'monthly' | 'incident';

/** What a channel is told: of an alert, or that a report was made. */
export type AlertEvent = 'fired' | 'again' | 'resolved' | 'test' | 'report';

export type IncidentItemState = 'waiting' | 'turning' | 'needs-person' | 'done' | 'skipped';

/** What is out of the ordinary: a reader that a secret never had, one who tries many, a secret that nobody had read for long. */
export type AnomalyKind =
  | 'new-reader'
  | 'burst'
  | 'awakened'
  | 'rate'
  | 'off-hours'
  | 'new-address'
  | 'new-client'
  | 'slow-sweep'
  | 'denied-run';
