// The emergency: a value is (or may be) in wrong hands. Its tokens are frozen, it turns now and without grace, the old value
// is ended and asked about until it is really dead, and who read it is collected; all of it in the timeline of an incident.
import { newestEntries } from '../audit/read.ts';
import type { Risk } from '../catalog/types.ts';
import { isKeyturnError, NeedsPersonError, NotFoundError } from '../errors.ts';
import { type FreezeScope, freezeTokens } from '../identity/tokens.ts';
import { addToTimeline, endIncident, type IncidentItem, openIncident, showIncident } from '../incidents/incidents.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import { selectDestination } from '../store/statements/deliveries.ts';
import { moveIncidentItem, putIncidentItem } from '../store/statements/incidents.ts';
import {
  endGraceNow,
  findActiveRotation,
  findRotation,
  findSecretById,
  selectSecretRotations,
} from '../store/statements/rotations.ts';
import { findVersion } from '../store/statements/secrets.ts';
import type { IncidentItemState } from '../store/states.ts';
import { destinationsFor } from '../sync/deliver.ts';
import type { Destination } from '../sync/destination.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';
import { environmentPlace, liveSecret, type SecretRow } from '../vault/write.ts';
import { servicesFor } from './distribute.ts';
import type { RotationResult } from './results.ts';
import type { Rotator } from './rotator.ts';
import type { World } from './world.ts';

/** How many entries of the log are looked through for readers. */
const ENTRIES = 10_000;
const READERS_NAMED = 20;

export interface CompromiseInput {
  readonly at: Place;
  readonly name: string;
  /** Since when it may have been known, ms since 1970; since the value in use came into use where not given. */
  readonly since?: number | undefined;
  /** `named` where not given. */
  readonly freeze?: FreezeScope | undefined;
  /** The new value, for what a person has to make. The caller zeroes it. */
  readonly value?: Buffer | undefined;
  readonly why?: string | undefined;
}

/** Somebody who read the value while it may have been known. */
interface Reader {
  readonly principal: string;
  readonly source: string;
  readonly reads: number;
  /** Milliseconds since 1970. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface CompromiseResult {
  readonly incident: string;
  readonly name: string;
  readonly environment: string;
  /** Null where a person has to give the new value first. */
  readonly rotation: RotationResult | null;
  /** Why not, and what to do; null where it turned. */
  readonly needsPerson: string | null;
  readonly readers: readonly Reader[];
  readonly frozen: readonly { readonly id: string; readonly name: string }[];
  /** Tokens that may read it and were left as they are: the application's own, most likely. */
  readonly left: readonly { readonly id: string; readonly name: string }[];
}

/** What a compromise would do, without doing it. */
export interface CompromisePlan {
  readonly name: string;
  readonly environment: string;
  readonly version: number;
  readonly byItself: boolean;
  readonly readers: readonly Reader[];
  readonly services: readonly string[];
  readonly destinations: readonly string[];
}

/**
 * Deals with one secret that is in wrong hands. Repeated, it goes on with the incident that is open.
 * @throws NotFoundError, AccessDeniedError; a rotation that failed is in the result's incident and is thrown
 */
export function* compromise(ctx: VaultContext, rotator: Rotator, input: CompromiseInput): Operation<CompromiseResult> {
  const environment = ctx.environment(input.at);
  const where = environmentPlace(environment);
  yield* ctx.authorize('rotate', { action: 'incident.open', ...where, secret: input.name });
  const secret = yield* liveSecret(environment, input.name);
  const since = input.since ?? (yield* inUseSince(secret));
  const began = yield* transaction(begin(ctx, environment, secret, input, since));
  const turned = yield* turn(rotator, input, secret, began.incident);
  const readers = yield* readersSince(environment, secret.name, since);
  yield* transaction(record(ctx, began.incident, secret, turned, readers));
  return {
    incident: began.incident,
    name: secret.name,
    environment: environment.name,
    rotation: turned.rotation,
    needsPerson: turned.needsPerson,
    readers,
    frozen: began.frozen,
    left: began.left,
  };
}

function* inUseSince(secret: SecretRow): Operation<number> {
  const version = yield* first(findVersion, { secretId: secret.id, number: secret.current_version });
  return version?.activated_at ?? secret.rotated_at;
}

function* begin(ctx: VaultContext, environment: Environment, secret: SecretRow, input: CompromiseInput, since: number) {
  const { id: incident, opened } = yield* openIncident(ctx, {
    kind: 'compromise',
    title: `${secret.name} (${environment.name}) is compromised`,
    ...environmentPlace(environment),
    subject: secret.name,
  });
  if (opened) {
    const why = input.why === undefined ? '' : ` ${input.why}`;
    const from = new Date(since).toISOString();
    yield* addToTimeline(
      ctx,
      incident,
      `Reported: version ${secret.current_version} may be known since ${from}.${why}`,
    );
  }
  const { frozen, left } = yield* freezeTokens(ctx, environment, secret.name, input.freeze ?? 'named');
  const names = (list: readonly { name: string }[]) => list.map((one) => one.name).join(', ');
  if (frozen.length > 0) yield* addToTimeline(ctx, incident, `Tokens frozen: ${names(frozen)}.`);
  if (left.length > 0) yield* addToTimeline(ctx, incident, `Tokens that may read it and were left: ${names(left)}.`);
  // A value before it that is still valid in a grace may be the one that leaked.
  yield* all(endGraceNow, { secretId: secret.id, now: ctx.clock(), incidentId: incident });
  const short = ({ id, name }: { id: string; name: string }) => ({ id, name });
  return { incident, frozen: frozen.map(short), left: left.map(short) };
}

interface Turned {
  readonly rotation: RotationResult | null;
  readonly needsPerson: string | null;
  readonly error?: Error;
}

/** @param secret as it was when it was reported: its version in use is the one that is known */
function* turn(
  rotator: Rotator,
  input: CompromiseInput,
  secret: Pick<SecretRow, 'id' | 'current_version'>,
  incidentId: string,
): Operation<Turned> {
  const { at, name, value } = input;
  try {
    const asked = { at, name, graceMs: 0, reason: 'compromise', incidentId, ...(value && { value }) } as const;
    const onTheWay = yield* first(findActiveRotation, { secretId: secret.id });
    const rotation = yield* rotator.rotate(asked);
    // One that was on its way may have brought the very value that is known, and has ended only the one before it.
    const known = onTheWay?.to_version === secret.current_version && onTheWay.incident_id !== incidentId;
    const through = rotation.state === 'grace' || rotation.state === 'revoked';
    if (!known || !through || rotation.version > secret.current_version) return { rotation, needsPerson: null };
    return { rotation: yield* rotator.rotate(asked), needsPerson: null };
  } catch (error) {
    if (error instanceof NeedsPersonError) return { rotation: null, needsPerson: error.text.next ?? error.text.what };
    if (!isKeyturnError(error)) throw error;
    return { rotation: null, needsPerson: null, error };
  }
}

function* record(
  ctx: VaultContext,
  incident: string,
  secret: SecretRow,
  turned: Turned,
  readers: readonly Reader[],
): Operation<void> {
  const { rotation, needsPerson, error } = turned;
  if (rotation) {
    const old =
      rotation.state === 'revoked' ? `version ${rotation.fromVersion} is revoked` : (rotation.trouble ?? 'it goes on');
    yield* addToTimeline(ctx, incident, `${secret.name}: version ${rotation.version} is in use; ${old}.`);
  } else if (error) {
    yield* addToTimeline(ctx, incident, `${secret.name} could not be turned: ${error.message}`);
  } else {
    yield* addToTimeline(ctx, incident, `${secret.name} waits for its new value. ${needsPerson ?? ''}`);
  }
  const who = readers
    .slice(0, READERS_NAMED)
    .map((one) => `${one.principal} (${one.source}), ${one.reads} times, last ${new Date(one.lastAt).toISOString()}`);
  const text = who.length === 0 ? 'Nobody has read it since, by the audit log.' : `Read since by: ${who.join('; ')}.`;
  yield* addToTimeline(ctx, incident, text);
}

/** Who read a secret since a moment, by the audit log, the busiest first. */
function* readersSince(environment: Environment, name: string, since: number): Operation<Reader[]> {
  const found = new Map<
    string,
    { principal: string; source: string; reads: number; firstAt: number; lastAt: number }
  >();
  for (const action of ['secret.read', 'secret.use'] as const) {
    const filter = { action, secret: name, ...environmentPlace(environment), since, outcome: 'ok' as const };
    for (const entry of yield* newestEntries(filter, ENTRIES)) {
      const details = JSON.parse(entry.details ?? '{}') as Record<string, unknown>;
      // What Keyturn itself does with a value is no reading by somebody.
      if (action === 'secret.use' && details.purpose !== undefined) continue;
      const key = JSON.stringify([entry.principal, entry.source]);
      const known = found.get(key);
      const reads = timesIn(details, name);
      if (known) {
        known.reads += reads;
        known.firstAt = Math.min(known.firstAt, entry.time);
        known.lastAt = Math.max(known.lastAt, entry.time);
      } else {
        const { principal, source, time } = entry;
        found.set(key, { principal, source, reads, firstAt: time, lastAt: time });
      }
    }
  }
  return [...found.values()].sort((a, b) => b.reads - a.reads);
}

/** A summary of counted reads has them by name; another entry is one read. */
function timesIn(details: Record<string, unknown>, name: string): number {
  const entry = Object.entries(details).find(([key]) => key.split('@')[0]?.toUpperCase() === name.toUpperCase());
  return typeof entry?.[1] === 'number' ? entry[1] : 1;
}

/** What a compromise of a secret would touch. Changes nothing. */
export function* planCompromise(
  ctx: VaultContext,
  rotator: Rotator,
  world: World,
  input: CompromiseInput,
): Operation<CompromisePlan> {
  const environment = ctx.environment(input.at);
  yield* ctx.authorize('rotate', { action: 'incident.open', ...environmentPlace(environment), secret: input.name });
  const secret = yield* liveSecret(environment, input.name);
  const since = input.since ?? (yield* inUseSince(secret));
  return {
    name: secret.name,
    environment: environment.name,
    version: secret.current_version,
    byItself: !rotator.needsPerson(secret),
    readers: yield* readersSince(environment, secret.name, since),
    services: servicesFor(world, { environment, secret }).map((one) => one.id),
    destinations: destinationsFor(world, environment, secret.name).map((one) => one.title),
  };
}

const RISKS: readonly Risk[] = ['critical', 'high', 'medium', 'low'];

/** A secret that a destination ever held, with why it comes when it does. */
interface Affected {
  readonly secret: SecretRow & { readonly project: string; readonly environment: string };
  readonly rank: number;
  readonly why: string;
}

/** Where a destination takes from; nowhere, and so the whole vault, for one that is not declared any more. */
function placeOf(ctx: VaultContext, destination: Destination | undefined): Partial<Place> {
  return destination ? environmentPlace(ctx.environment(destination.from)) : {};
}

/**
 * Every secret that a destination holds or ever held, in the order in which they should turn: first what opens the place
 * itself and what makes other keys, then by risk, then by how much depends on it.
 */
function* affectedBy(ctx: VaultContext, world: World, destinationId: string): Operation<Affected[]> {
  const destination = world.destinations.find((one) => one.id === destinationId);
  yield* ctx.authorize('rotate', { action: 'incident.open', ...placeOf(ctx, destination) });
  const ids = new Set((yield* all(selectDestination, { destination: destinationId })).map((row) => row.secret_id));
  if (ids.size === 0 && !destination) {
    const known = world.destinations.map((one) => one.id).join(', ') || 'none';
    throw new NotFoundError(
      'KT_NOT_FOUND',
      `Nothing was ever sent to a destination ${destinationId}.`,
      `There are: ${known}.`,
    );
  }
  const found: Affected[] = [];
  for (const id of ids) {
    const secret = yield* first(findSecretById, { id });
    if (!secret || secret.deleted_at !== null) continue;
    const environment = ctx.environment(secret);
    yield* ctx.authorize('rotate', { action: 'incident.open', ...environmentPlace(environment), secret: secret.name });
    const rule = ctx.catalog.rule(secret.name, { type: secret.type });
    const opens = destination?.credential?.toUpperCase() === secret.name_key;
    const makes = world.providers.isAdmin(secret.name);
    const users = servicesFor(world, { environment, secret }).length;
    const risk = RISKS.indexOf(rule.risk);
    const why = opens ? 'opens the place itself' : makes ? 'makes other keys' : `risk ${rule.risk}`;
    found.push({ secret, rank: (opens ? 0 : makes ? 1 : 2 + risk) * 1000 - Math.min(users, 999), why });
  }
  return found.sort((a, b) => a.rank - b.rank || (a.secret.name < b.secret.name ? -1 : 1));
}

export interface DestinationCompromise {
  readonly incident: string;
  readonly items: readonly IncidentItem[];
  readonly closed: boolean;
}

/** What a compromise of a destination would turn, in order. Changes nothing. */
export function* planDestinationCompromise(
  ctx: VaultContext,
  rotator: Rotator,
  world: World,
  destinationId: string,
): Operation<{ name: string; environment: string; why: string; byItself: boolean }[]> {
  const affected = yield* affectedBy(ctx, world, destinationId);
  return affected.map(({ secret, why }) => ({
    name: secret.name,
    environment: secret.environment,
    why,
    byItself: !rotator.needsPerson(secret),
  }));
}

/** Opens the incident of a destination with all that it ever held, or takes up the one that is open. */
export function* beginDestinationCompromise(
  ctx: VaultContext,
  world: World,
  destinationId: string,
): Operation<DestinationCompromise> {
  const affected = yield* affectedBy(ctx, world, destinationId);
  const incident = yield* transaction(
    (function* () {
      const { id, opened } = yield* openIncident(ctx, {
        kind: 'destination',
        title: `Everything that ${destinationId} ever held is compromised`,
        ...placeOf(
          ctx,
          world.destinations.find((one) => one.id === destinationId),
        ),
        subject: destinationId,
      });
      if (opened) yield* addToTimeline(ctx, id, `Reported: ${affected.length} secrets were at ${destinationId}.`);
      for (const [position, { secret, why }] of affected.entries()) {
        yield* all(putIncidentItem, { id, secretId: secret.id, position, state: 'waiting', why, now: ctx.clock() });
      }
      return id;
    })(),
  );
  return { incident, items: (yield* showIncident(ctx, incident)).items, closed: false };
}

export interface TurnedItem {
  readonly state: IncidentItemState;
  readonly detail: string;
  readonly rotation: RotationResult | null;
}

/** Turns one secret of an incident; one that has turned in it already is not turned again. @returns what came of it */
export function* turnItem(
  ctx: VaultContext,
  rotator: Rotator,
  incident: string,
  item: IncidentItem,
  value?: Buffer,
): Operation<TurnedItem> {
  const before = item.rotation === null ? undefined : yield* first(findRotation, { id: item.rotation });
  if (before?.state === 'grace') {
    // The new value is in use: what is left is the end of the old one, which is tried until it is done.
    return { state: 'turning', detail: before.trouble ?? 'the old value is being ended.', rotation: null };
  }
  const at = { project: item.project, environment: item.environment };
  // A version that is still valid in its grace was there as well. That it ends does not deal with the one in use.
  yield* transaction(all(endGraceNow, { secretId: item.secretId, now: ctx.clock(), incidentId: null }));
  // One that is deleted meanwhile has no version to turn: the rotation says so.
  const secret = (yield* first(findSecretById, { id: item.secretId })) ?? { id: item.secretId, current_version: 0 };
  const turned = yield* turn(rotator, { at, name: item.name, ...(value && { value }) }, secret, incident);
  const { state, detail } = outcome(turned);
  yield* transaction(
    (function* () {
      const rotationId = turned.rotation?.id ?? null;
      yield* all(moveIncidentItem, {
        id: incident,
        secretId: item.secretId,
        state,
        why: item.why,
        rotationId,
        now: ctx.clock(),
      });
      yield* addToTimeline(ctx, incident, `${item.name} (${item.environment}): ${detail}`);
    })(),
  );
  return { state, detail, rotation: turned.rotation };
}

function outcome({ rotation, needsPerson, error }: Turned): { state: IncidentItemState; detail: string } {
  if (rotation?.state === 'revoked') {
    return {
      state: 'done',
      detail: `version ${rotation.version} is in use; version ${rotation.fromVersion} is revoked.`,
    };
  }
  if (rotation) return { state: 'turning', detail: rotation.trouble ?? `it is ${rotation.state}.` };
  if (error) return { state: 'waiting', detail: `could not be turned: ${error.message}` };
  return { state: 'needs-person', detail: `needs a person. ${needsPerson ?? ''}` };
}

/** Leaves a secret of an incident as it is, with a reason. */
export function* skipItem(ctx: VaultContext, incident: string, item: IncidentItem, why: string): Operation<void> {
  yield* transaction(
    (function* () {
      const { secretId, rotation: rotationId } = item;
      yield* all(moveIncidentItem, { id: incident, secretId, state: 'skipped', why, rotationId, now: ctx.clock() });
      yield* addToTimeline(ctx, incident, `${item.name} (${item.environment}) is left as it is: ${why}`);
    })(),
  );
}

/** Looks at an incident again: what has turned since is done; with everything done it is closed. */
export function* reviewIncident(ctx: VaultContext, incident: string): Operation<DestinationCompromise> {
  const before = (yield* showIncident(ctx, incident)).items;
  for (const item of before)
    if (item.state !== 'done' && item.state !== 'skipped') yield* reviewItem(ctx, incident, item);
  const { items } = yield* showIncident(ctx, incident);
  const open = items.filter((one) => one.state !== 'done' && one.state !== 'skipped');
  if (open.length > 0) return { incident, items, closed: false };
  // Closed by an earlier look, it stays so.
  yield* transaction(endIncident(ctx, incident, 'Every secret has been dealt with.'));
  return { incident, items, closed: true };
}

/** A rotation of the incident that has ended since (a value was pasted, a deployment became ready) makes its item done. */
function* reviewItem(ctx: VaultContext, incident: string, item: IncidentItem): Operation<void> {
  const rotations = yield* all(selectSecretRotations, { secretId: item.secretId, limit: 10 });
  const ended = rotations.find((one) => one.incident_id === incident && one.state === 'revoked');
  if (!ended) return;
  yield* transaction(
    (function* () {
      const { secretId, why } = item;
      const moved = { id: incident, secretId, why, rotationId: ended.id, now: ctx.clock() };
      yield* all(moveIncidentItem, { ...moved, state: 'done' });
      yield* addToTimeline(
        ctx,
        incident,
        `${item.name} (${item.environment}): version ${ended.from_version} is revoked.`,
      );
    })(),
  );
}
