// The one hierarchy of errors that Keyturn throws. Every error has a stable code, and its message says what
// happened, what was left as it was, and what to do next. No message ever holds a value or a key.

/** Every code that Keyturn can give. Codes are part of the interface: they are never renamed or reused. */
export type ErrorCode =
  /** A command or call was not understood. */
  | 'KT_USAGE'
  /** A configuration file says something that is not known, with its line. */
  | 'KT_CONFIG_INVALID'
  /** A value or name does not fit what is wanted of it. */
  | 'KT_INPUT_INVALID'
  /** There is no such secret in that environment. */
  | 'KT_SECRET_NOT_FOUND'
  /** The secret has no such version. */
  | 'KT_VERSION_NOT_FOUND'
  /** The project has no such environment. */
  | 'KT_ENVIRONMENT_NOT_FOUND'
  /** There is no such project. */
  | 'KT_PROJECT_NOT_FOUND'
  /** Somebody else changed it in between, or it cannot be done in the state that it is in. */
  | 'KT_CONFLICT'
  /** The caller may not do that; the attempt is in the audit log. */
  | 'KT_ACCESS_DENIED'
  /** Sealed data did not open: changed, moved, cut, or sealed with another key. */
  | 'KT_DECRYPTION_FAILED'
  /** No root key was given. */
  | 'KT_ROOT_KEY_MISSING'
  /** The root key is not the one that this vault was made with. */
  | 'KT_ROOT_KEY_WRONG'
  /** What was given as a root key is none. */
  | 'KT_ROOT_KEY_INVALID'
  /** There is no vault there. */
  | 'KT_VAULT_NOT_FOUND'
  /** There is a vault there already. */
  | 'KT_VAULT_EXISTS'
  /** The vault was closed by this process. */
  | 'KT_VAULT_CLOSED'
  /** The database cannot be used: a wrong address, a disk that fails, or a Node without SQLite. */
  | 'KT_STORE_UNUSABLE'
  /** PostgreSQL does not answer. */
  | 'KT_STORE_UNREACHABLE'
  /** Another process has been writing for too long. */
  | 'KT_STORE_BUSY'
  /** The disk is full. */
  | 'KT_STORE_FULL'
  /** The database cannot be written; a read that cannot be logged is not answered. */
  | 'KT_STORE_READ_ONLY'
  /** The database is damaged, or none of Keyturn. */
  | 'KT_STORE_CORRUPT'
  /** The vault was brought up to date by a newer Keyturn. */
  | 'KT_STORE_TOO_NEW'
  /** A backup was changed, cut or damaged, or is none. */
  | 'KT_BACKUP_INVALID'
  /** A file cannot be read, written, or is not what it should be. */
  | 'KT_FILE_UNUSABLE'
  /** The new value did not pass; the one before is in use. */
  | 'KT_ROTATION_FAILED'
  /** Only a person can make the new value; the rotation waits for it. */
  | 'KT_NEEDS_PERSON'
  /** A log or report is not as it was written, or is none. */
  | 'KT_AUDIT_INVALID'
  /** There is no such thing. */
  | 'KT_NOT_FOUND'
  /** No valid token or session. */
  | 'KT_UNAUTHENTICATED'
  /** Too many attempts; `Retry-After` says when again. */
  | 'KT_RATE_LIMITED'
  /** A second person has to approve it first. */
  | 'KT_APPROVAL_REQUIRED'
  /** Overwriting needs `If-Match`: what was seen, or `*`. */
  | 'KT_PRECONDITION_REQUIRED'
  /** It is not what `If-Match` says any more. */
  | 'KT_PRECONDITION_FAILED'
  /** The `Idempotency-Key` was used for another request. */
  | 'KT_IDEMPOTENCY_MISMATCH'
  /** This server answers reads only. */
  | 'KT_READ_ONLY'
  /** The server has no root key yet; it opens by itself once it has. */
  | 'KT_SEALED'
  /** The server has more to do than it can; `Retry-After` says when again. */
  | 'KT_OVERLOADED'
  /** The request or value is too large. */
  | 'KT_TOO_LARGE'
  /** The key that a browser sealed a value for is too old: it is sealed anew by itself. */
  | 'KT_INTAKE_KEY_GONE'
  /** That wants a sign-in of the last five minutes. */
  | 'KT_REAUTHENTICATION_REQUIRED'
  /** A provider or destination did not do it. */
  | 'KT_REMOTE_FAILED'
  /** The key management service does not answer; reads go on for a while. */
  | 'KT_KMS_UNAVAILABLE'
  /** The key management service refuses to open the root key. */
  | 'KT_KMS_REFUSED';

/** The parts of a message. `left` and `next` may be left out where there is nothing to say. */
export interface ErrorText {
  /** What happened. */
  readonly what: string;
  /** What was left as it was. */
  readonly left?: string;
  /** What to do next. */
  readonly next?: string;
}

/**
 * The base of every error that Keyturn throws on purpose.
 *
 * @example
 * try { secretsManager.getSecret('jwt_secret') }
 * catch (error) { if (error instanceof KeyturnError && error.code === 'KT_SECRET_NOT_FOUND') { … } }
 */
export class KeyturnError extends Error {
  readonly code: ErrorCode;
  readonly text: ErrorText;

  constructor(code: ErrorCode, text: ErrorText, options?: { cause?: unknown }) {
    super([text.what, text.left, text.next].filter(Boolean).join(' '), options);
    this.name = new.target.name;
    this.code = code;
    this.text = text;
  }
}

/**
 * True for an error of ours, also one of another copy of this module: the parts of the package that load late have their
 * own, and so has a second copy of the package.
 */
export function isKeyturnError(error: unknown): error is KeyturnError {
  return error instanceof Error && 'text' in error && String((error as { code?: unknown }).code).startsWith('KT_');
}

/** The caller asked in a way that cannot be understood: a wrong argument, option or configuration. */
export class UsageError extends KeyturnError {
  constructor(what: string, next?: string, code: 'KT_USAGE' | 'KT_CONFIG_INVALID' | 'KT_INPUT_INVALID' = 'KT_USAGE') {
    super(code, { what, left: code === 'KT_CONFIG_INVALID' ? undefined : 'Nothing was changed.', next });
  }
}

/** What was asked for is not there. */
export class NotFoundError extends KeyturnError {
  constructor(
    code:
      | 'KT_SECRET_NOT_FOUND'
      | 'KT_VERSION_NOT_FOUND'
      | 'KT_ENVIRONMENT_NOT_FOUND'
      | 'KT_PROJECT_NOT_FOUND'
      | 'KT_NOT_FOUND',
    what: string,
    next?: string,
  ) {
    super(code, { what, next });
  }
}

/** Somebody else changed the thing in between; the caller's change was not made. */
export class ConflictError extends KeyturnError {
  constructor(what: string, next?: string) {
    super('KT_CONFLICT', { what, left: 'Nothing was changed.', next });
  }
}

/** The principal may not do that. The attempt is in the audit log. */
export class AccessDeniedError extends KeyturnError {
  constructor(what: string, next?: string) {
    super('KT_ACCESS_DENIED', { what, left: 'Nothing was read or changed; the attempt is in the audit log.', next });
  }
}

/**
 * An envelope did not open: damaged, moved to another place, or sealed with another key.
 * One type and one message for every reason, so that it tells an attacker nothing.
 */
export class DecryptionError extends KeyturnError {
  constructor(what = 'The sealed data did not open: it was changed, moved, cut, or sealed with another key.') {
    super('KT_DECRYPTION_FAILED', {
      what,
      left: 'Nothing was changed.',
      next: 'Run `keyturn doctor`; if the data is damaged, restore it with `keyturn backup restore FILE`.',
    });
  }
}

/** The root key is missing, unusable, or not the one that this vault wants. */
export class RootKeyError extends KeyturnError {
  constructor(code: 'KT_ROOT_KEY_MISSING' | 'KT_ROOT_KEY_WRONG' | 'KT_ROOT_KEY_INVALID', what: string, next: string) {
    super(code, { what, left: 'Nothing was written.', next });
  }
}

/** The service that wraps the root key is away, or says no. */
export class KmsError extends KeyturnError {
  constructor(code: 'KT_KMS_UNAVAILABLE' | 'KT_KMS_REFUSED', what: string, next: string) {
    super(code, { what, left: 'Nothing was written.', next });
  }
}

type StoreErrorCode =
  | 'KT_STORE_UNREACHABLE'
  | 'KT_VAULT_NOT_FOUND'
  | 'KT_VAULT_EXISTS'
  | 'KT_VAULT_CLOSED'
  | 'KT_STORE_UNUSABLE'
  | 'KT_STORE_UNREACHABLE'
  | 'KT_STORE_BUSY'
  | 'KT_STORE_FULL'
  | 'KT_STORE_READ_ONLY'
  | 'KT_STORE_CORRUPT'
  | 'KT_STORE_TOO_NEW';

/** The store cannot be opened, read or written. */
export class StoreError extends KeyturnError {
  constructor(code: StoreErrorCode, text: ErrorText, options?: { cause?: unknown }) {
    super(code, text, options);
  }
}

/** A file that the caller named cannot be read or written, or is not what it should be. */
export class FileError extends KeyturnError {
  constructor(code: 'KT_BACKUP_INVALID' | 'KT_FILE_UNUSABLE' | 'KT_AUDIT_INVALID', text: ErrorText) {
    super(code, text);
  }
}

/** A rotation did not reach its end. The text says which version is valid now. */
export class RotationError extends KeyturnError {
  constructor(text: ErrorText) {
    super('KT_ROTATION_FAILED', text);
  }
}

/** A person has to do something before this can go on. */
export class NeedsPersonError extends KeyturnError {
  constructor(what: string, next: string) {
    super('KT_NEEDS_PERSON', { what, left: 'The value in use was not changed.', next });
  }
}

/** Whoever asks is not known here, or has asked too often. */
export class IdentityError extends KeyturnError {
  /** Seconds after which to ask again, where that helps. */
  readonly retryAfter: number | undefined;

  constructor(code: 'KT_UNAUTHENTICATED' | 'KT_RATE_LIMITED', what: string, next: string, retryAfter?: number) {
    super(code, { what, left: 'Nothing was read or changed.', next });
    this.retryAfter = retryAfter;
  }
}

/** A second person has to approve it first. */
export class ApprovalRequiredError extends KeyturnError {
  /** What that person approves. */
  readonly approval: string;

  constructor(what: string, approval: string) {
    super('KT_APPROVAL_REQUIRED', {
      what,
      left: 'Nothing was read or changed.',
      next: `Ask another person to approve ${approval}, then ask again with it.`,
    });
    this.approval = approval;
  }
}

/** The server cannot take a request as it is, or as the server is. */
export class RequestError extends KeyturnError {
  constructor(
    code:
      | 'KT_PRECONDITION_REQUIRED'
      | 'KT_PRECONDITION_FAILED'
      | 'KT_IDEMPOTENCY_MISMATCH'
      | 'KT_READ_ONLY'
      | 'KT_SEALED'
      | 'KT_OVERLOADED'
      | 'KT_TOO_LARGE'
      | 'KT_INTAKE_KEY_GONE'
      | 'KT_REAUTHENTICATION_REQUIRED',
    what: string,
    next: string,
  ) {
    super(code, { what, left: 'Nothing was read or changed.', next });
  }
}

/**
 * Something outside of Keyturn (a provider, a destination, a channel) did not do what it was asked. Handled inside: what
 * people get to see says where it stands.
 */
export abstract class OutsideError extends Error {
  /** True where it may help to try again later; false where a person has to look. */
  readonly passing: boolean;

  /** @param message for people: never a value, never what an answer held beyond its codes */
  constructor(message: string, passing: boolean) {
    super(message);
    this.passing = passing;
  }
}
