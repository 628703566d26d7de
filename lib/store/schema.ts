// The tables as types, for Kysely. Times are milliseconds since 1970 (UTC); bytes are Uint8Array.
import type { Generated } from 'kysely';
import type {
  AlertEvent,
  AnomalyKind,
  AuditOutcome,
  CheckStatus,
  Death,
  DeliveryState,
  IncidentItemState,
  IncidentKind,
  ReportKind,
  RotationReason,
  RotationState,
  VersionOrigin,
} from './states.ts';

/** Facts of the vault as a whole, by name: vault_id, root_key_id, passphrase, created_at. */
interface MetaTable {
  key: string;
  value: string;
}

/** One row. `keys` grows with each change of the vault's keys, so that every process knows when its keyring is old. */
interface GenerationTable {
  id: number;
  schema_version: number;
  keys: number;
}

interface ProjectTable {
  id: Generated<number>;
  name: string;
  name_key: string;
  created_at: number;
}

interface EnvironmentTable {
  id: Generated<number>;
  project_id: number;
  name: string;
  name_key: string;
  /** 1 where rotating, revealing and deleting want a second person's approval. */
  two_people: Generated<number>;
  created_at: number;
}

export type KeyPurpose = 'data' | 'audit' | 'checkpoint' | 'fingerprint' | 'server' | 'intake';

/** Keys wrapped by the root key. A destroyed key keeps its row and loses its bytes. */
export interface KeyTable {
  id: Generated<number>;
  /** 32 hexadecimal digits: what envelopes name. */
  key_id: string;
  purpose: KeyPurpose;
  /** Data keys belong to an environment; the vault's own keys to none. */
  environment_id: number | null;
  number: number;
  wrapped: Uint8Array | null;
  state: 'active' | 'retiring' | 'destroyed';
  created_at: number;
  destroyed_at: number | null;
}

export interface SecretTable {
  id: Generated<number>;
  environment_id: number;
  name: string;
  /** The name in upper case: names compare without case. */
  name_key: string;
  type: string;
  /** The secret's own rotation interval; null for its type's. */
  interval_days: number | null;
  owner: string | null;
  /** A JSON object of text by text. */
  labels: string;
  /** The version in use; 0 while the first one is only issued. */
  current_version: number;
  /** The version before, still valid until `previous_valid_until`. */
  previous_version: number | null;
  previous_valid_until: number | null;
  /** The highest number ever given, issued ones included. */
  latest_version: number;
  created_at: number;
  /** When the current version came into use. */
  rotated_at: number;
  deleted_at: number | null;
  /** When it turns by itself next; null where that has to be worked out anew. */
  due_at: number | null;
}

/**
 * Immutable but for `envelope` and `data_key`, which re-sealing under a new data key replaces together, and
 * `activated_at`, which is set once.
 */
interface VersionTable {
  secret_id: number;
  number: number;
  envelope: Uint8Array;
  fingerprint: Uint8Array;
  size: number;
  /** keys.id of the data key that sealed it. */
  data_key: number;
  origin: VersionOrigin;
  created_at: number;
  created_by: string;
  /** When it came into use; null for one that a rotation issued and that never did. */
  activated_at: number | null;
  /** What its provider calls it, where the provider issued it by its API: what to revoke. Never a secret itself. */
  external_id: string | null;
  /** What the leak guard finds it by, sealed; null for one of before there were prints. */
  leak_print: Uint8Array | null;
}

/** How a secret has been read, as far as the audit log has it. */
interface UsageTable {
  secret_id: number;
  reads: number;
  last_read_at: number;
  last_read_by: string;
}

export interface AuditEntryTable {
  chain: string;
  seq: number;
  time: number;
  principal: string;
  action: string;
  outcome: AuditOutcome;
  project: string | null;
  environment: string | null;
  secret: string | null;
  version: number | null;
  source: string;
  /** A JSON object with sorted keys, or null. */
  details: string | null;
  hash: Uint8Array;
  mac: Uint8Array;
}

interface AuditCheckpointTable {
  number: number;
  time: number;
  /** The signed text: canonical JSON. */
  body: string;
  signature: Uint8Array;
}

export interface RotationTable {
  id: string;
  secret_id: number;
  state: RotationState;
  needs_value: number;
  from_version: number;
  to_version: number | null;
  grace_ms: number;
  grace_until: number | null;
  /** What went wrong, in words; never a value. */
  error: string | null;
  backup_file: string | null;
  started_at: number;
  updated_at: number;
  started_by: string;
  reason: RotationReason;
  /** How often the step that is next has been tried, when it may be tried again, and what was in the way. */
  attempts: number;
  next_at: number | null;
  trouble: string | null;
  /** The name under which a provider was asked for a new key: what a killed process left is found by it. */
  marker: string | null;
  /** The process that is at work on it outside of the store, and until when nobody else may be. */
  claimed_by: string | null;
  claimed_until: number | null;
  incident_id: string | null;
  /** Whether the value before is really dead: asked live after it was revoked. */
  death: Death | null;
  death_checks: number;
  death_checked_at: number | null;
  death_next_at: number | null;
}

interface CheckTable {
  secret_id: number;
  version: number;
  status: CheckStatus;
  /** What the provider answered, in words; never a value. */
  detail: string;
  mode: 'test' | 'live' | null;
  expires_at: number | null;
  took_ms: number;
  checked_at: number;
}

/** A version at a destination. Rows stay: they tell every secret that a place ever held. */
export interface DeliveryTable {
  destination: string;
  secret_id: number;
  version: number;
  state: DeliveryState;
  /** What the destination calls it, JSON: ids, times, a deployment. */
  remote: string | null;
  error: string | null;
  attempts: number;
  next_at: number | null;
  pushed_at: number | null;
  live_at: number | null;
  checked_at: number | null;
  /** When it was replaced or taken away there. */
  ended_at: number | null;
}

export interface AlertTable {
  id: string;
  /** Names the condition: one alert is open for one. */
  key: string;
  kind: string;
  severity: 'critical' | 'high' | 'medium' | 'low' | 'info';
  state: 'open' | 'acknowledged' | 'muted' | 'resolved';
  project: string | null;
  environment: string | null;
  secret: string | null;
  what: string;
  mend: string;
  opened_at: number;
  seen_at: number;
  told_at: number | null;
  acknowledged_by: string | null;
  acknowledged_at: number | null;
  muted_until: number | null;
  mute_reason: string | null;
  resolved_at: number | null;
}

export interface AlertDeliveryTable {
  id: string;
  alert_id: string | null;
  channel: string;
  event: AlertEvent;
  /** What is told: JSON. */
  body: Uint8Array;
  state: 'waiting' | 'delivered' | 'given-up';
  attempts: number;
  next_at: number | null;
  error: string | null;
  created_at: number;
  ended_at: number | null;
}

export interface IncidentTable {
  id: string;
  kind: IncidentKind;
  title: string;
  project: string | null;
  environment: string | null;
  /** The secret or destination that it is about. */
  subject: string | null;
  opened_at: number;
  opened_by: string;
  closed_at: number | null;
  closed_by: string | null;
}

interface IncidentEventTable {
  incident_id: string;
  number: number;
  at: number;
  by: string;
  what: string;
}

interface IncidentItemTable {
  incident_id: string;
  secret_id: number;
  position: number;
  state: IncidentItemState;
  why: string;
  rotation_id: string | null;
  updated_at: number;
}

/** Who reads a secret, as far as the log has been looked through. */
interface ReaderTable {
  project: string;
  environment: string;
  /** The name in upper case. */
  secret_key: string;
  principal: string;
  reads: number;
  first_at: number;
  last_at: number;
}

export interface AnomalyTable {
  id: string;
  kind: AnomalyKind;
  severity: 'high' | 'medium';
  at: number;
  principal: string;
  project: string;
  environment: string;
  secret: string | null;
  /** A sentence that explains it, with its numbers. */
  what: string;
  /** A JSON object of the numbers that it rests on; null for those of before these were kept. */
  numbers: string | null;
  /** A JSON array: which entries of the log show it. */
  evidence: string | null;
}

/** How a principal usually behaves, as far as the log has been looked through (monitoring/baseline.ts). */
interface BaselineTable {
  principal: string;
  state: string;
  updated_at: number;
}

/** A report as it was signed. */
export interface ReportTable {
  id: string;
  kind: ReportKind;
  /** `2026-11-24`, `2026-W48`, `2026-11`, or an incident's id. */
  period: string;
  created_at: number;
  created_by: string;
  /** The most important thing in it, in one sentence. */
  headline: string;
  body: Uint8Array;
}

/** One run of a synthetic journey. */
export interface JourneyRunTable {
  id: string;
  journey: string;
  /** Where it was run against. */
  target: string;
  started_at: number;
  took_ms: number;
  passed: number;
  error: string | null;
  /** A JSON array of steps with their timings. */
  steps: string;
  /** A PNG of the page where a step in a browser failed. */
  screenshot: Uint8Array | null;
}

/** One restore drill. */
export interface DrillTable {
  id: string;
  /** The backup's file name. */
  backup: string;
  started_at: number;
  took_ms: number;
  passed: number;
  secrets: number;
  /** A JSON object: timings, and what did not agree. */
  details: string;
}

export interface GrantTable {
  id: string;
  person_id: string;
  /** One of the built-in roles, or the name of a custom one. */
  role: string;
  /** Null for all projects, and for what concerns the whole vault. */
  project_id: number | null;
  /** Null for all environments of the project. */
  environment_id: number | null;
  created_at: number;
  created_by: string;
}

interface RoleTable {
  name: string;
  /** A JSON array. */
  permissions: string;
  created_at: number;
  created_by: string;
}

export interface TokenTable {
  id: string;
  /** HMAC-SHA-256 of the token, under the vault's own key. The token itself is kept nowhere. */
  hash: Uint8Array;
  name: string;
  /** 'oidc' for one that an identity provider's token was exchanged for. */
  kind: 'machine' | 'oidc';
  project_id: number;
  environment_id: number | null;
  /** JSON arrays; null for all names, and for any address. */
  permissions: string;
  names: string | null;
  addresses: string | null;
  expires_at: number | null;
  max_uses: number | null;
  uses: number;
  created_at: number;
  created_by: string;
  last_used_at: number | null;
  last_used_from: string | null;
  revoked_at: number | null;
  replaced_by: string | null;
  /** Refused since then, until it is thawed. */
  frozen_at: number | null;
}

export interface TrustTable {
  id: string;
  name: string;
  issuer: string;
  audience: string;
  /** A JSON object: claims, and the patterns that their values have to fit. */
  claims: string;
  project_id: number;
  environment_id: number;
  permissions: string;
  names: string | null;
  /** How long, in seconds, a token that is given for one lives. */
  seconds: number;
  created_at: number;
  created_by: string;
}

export interface ApprovalTable {
  id: string;
  action: 'read' | 'rotate' | 'delete';
  environment_id: number;
  secret: string;
  reason: string;
  requested_by: string;
  requested_at: number;
  expires_at: number;
  decision: 'approved' | 'refused' | null;
  decided_by: string | null;
  decided_at: number | null;
  used_at: number | null;
}

export interface InvitationTable {
  id: string;
  hash: Uint8Array;
  kind: 'owner' | 'invitation' | 'recovery';
  email: string | null;
  role: string;
  project_id: number | null;
  environment_id: number | null;
  created_at: number;
  created_by: string;
  expires_at: number;
  accepted_at: number | null;
}

interface AttemptTable {
  key: string;
  failures: number;
  last_at: number;
  locked_until: number;
}

interface IdempotencyTable {
  key: string;
  /** SHA-256 of what was asked. */
  request: Uint8Array;
  status: number;
  /** Sealed: it may hold a token that is shown once. */
  answer: Uint8Array;
  created_at: number;
}

export interface ForwardTable {
  id: string;
  name: string;
  kind: 'webhook' | 'syslog' | 'file';
  /** Sealed: an address may hold a key. */
  target: Uint8Array;
  /** A JSON object: the last entry delivered, by chain. */
  cursor: string;
  delivered: number;
  error: string | null;
  created_at: number;
  created_by: string;
  updated_at: number;
}

/** What we read of better-auth's own tables. */
interface AuthUserTable {
  id: string;
  name: string;
  email: string;
  createdAt: string | Date;
}

/** Who has a second factor, and who a passkey. */
interface AuthOfUserTable {
  id: string;
  userId: string;
}

export interface Database {
  grants: GrantTable;
  roles: RoleTable;
  tokens: TokenTable;
  trusts: TrustTable;
  approvals: ApprovalTable;
  invitations: InvitationTable;
  attempts: AttemptTable;
  idempotency: IdempotencyTable;
  forwards: ForwardTable;
  auth_user: AuthUserTable;
  auth_two_factor: AuthOfUserTable;
  auth_passkey: AuthOfUserTable;
  meta: MetaTable;
  generation: GenerationTable;
  projects: ProjectTable;
  environments: EnvironmentTable;
  keys: KeyTable;
  secrets: SecretTable;
  versions: VersionTable;
  usage: UsageTable;
  audit_entries: AuditEntryTable;
  audit_checkpoints: AuditCheckpointTable;
  rotations: RotationTable;
  checks: CheckTable;
  deliveries: DeliveryTable;
  alerts: AlertTable;
  alert_deliveries: AlertDeliveryTable;
  incidents: IncidentTable;
  incident_events: IncidentEventTable;
  incident_items: IncidentItemTable;
  readers: ReaderTable;
  anomalies: AnomalyTable;
  baselines: BaselineTable;
  reports: ReportTable;
  journey_runs: JourneyRunTable;
  drills: DrillTable;
}
