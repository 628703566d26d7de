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
