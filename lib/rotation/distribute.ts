// Bringing the new version to everyone who uses it, and seeing that they do well with it, before the old one ends.
import { all, type Operation, outside, transaction } from '../store/operation.ts';
import { selectSecretDeliveries } from '../store/statements/deliveries.ts';
import { askApplication, type Delivery, deliver, destinationsFor, type Parcel } from '../sync/deliver.ts';
import type { Destination } from '../sync/destination.ts';
import type { VaultContext } from '../vault/context.ts';
import { move, type Subject } from './steps.ts';
import { sentence, type Trouble } from './trouble.ts';
import type { Service, World } from './world.ts';

export function parcelOf(subject: Subject, version: number): Parcel {
  const { secret, environment } = subject;
  return { secretId: secret.id, name: secret.name, environment, version };
}

/** The services that use a secret. */
export function servicesFor(world: World, { environment, secret }: Pick<Subject, 'environment' | 'secret'>): Service[] {
  return world.services.filter(
    ({ from, uses }) =>
      from.project.toUpperCase() === environment.project.toUpperCase() &&
      from.environment.toUpperCase() === environment.name.toUpperCase() &&
      uses(secret.name),
  );
}

export function* distribute(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
): Operation<Trouble | undefined> {
  const { secret, rotation } = subject;
  if (secret.current_version !== rotation.to_version) {
    const what = `Version ${secret.current_version} came into use while the rotation was under way.`;
    return { what, passing: false };
  }
  if (world) {
    const destinations = destinationsFor(world, subject.environment, secret.name);
    const parcel = parcelOf(subject, rotation.to_version ?? 0);
    const trouble = yield* sendAll(ctx, world, destinations, parcel);
    // A leaked value ends at once: what is still on its way is brought there afterwards (see settleDeliveries).
    if (trouble && rotation.reason !== 'compromise') return trouble;
    const unwell = trouble ?? (yield* askServices(ctx, world, subject, parcel));
    if (unwell && rotation.reason !== 'compromise') return unwell;
  }
  yield* transaction(move(ctx, subject, { to: 'distributed' }));
  return undefined;
}

/** Sends a version everywhere, each place for itself. @returns what is in the way of its being in use everywhere */
export function* sendAll(
  ctx: VaultContext,
  world: World,
  destinations: readonly Destination[],
  parcel: Parcel,
): Operation<Trouble | undefined> {
  let worst: Trouble | undefined;
  for (const destination of destinations) {
    const delivery = yield* deliver(ctx, world, destination, parcel, true);
    const trouble = troubleIn(ctx, destination, delivery);
    if (trouble && (!worst || rank(trouble) > rank(worst))) worst = trouble;
  }
  return worst;
}

/** What will not pass counts more than what may, and that more than what only takes its time. */
function rank(trouble: Trouble): number {
  if (!trouble.passing) return 2;
  return trouble.underWay ? 0 : 1;
}

function troubleIn(ctx: VaultContext, destination: Destination, delivery: Delivery): Trouble | undefined {
  if (delivery.state === 'live') return undefined;
  const why = delivery.error ?? `${destination.title} has it, and it is not in use there yet`;
  if (delivery.state === 'failed') return { what: sentence(why), passing: false };
  const afterMs = Math.max(0, (delivery.next_at ?? 0) - ctx.clock());
  const underWay = delivery.state === 'deploying' || delivery.state === 'pushed';
  return { what: sentence(why), passing: true, underWay: underWay && delivery.attempts === 0, afterMs };
}

function* askServices(
  ctx: VaultContext,
  world: World,
  subject: Subject,
  parcel: Parcel,
): Operation<Trouble | undefined> {
  for (const service of servicesFor(world, subject)) {
    const why = yield* whyUnwell(ctx, world, service, parcel);
    if (why !== undefined)
      return {
        what: sentence(`the service ${service.id} does not do well with the new version: ${why}`),
        passing: true,
      };
  }
  return undefined;
}

/** Why a service does not do well with a version; undefined where it does. */
function* whyUnwell(ctx: VaultContext, world: World, service: Service, parcel: Parcel): Operation<string | undefined> {
  const { verify } = service;
  if (verify.kind === 'command') {
    const env = { KEYTURN_SECRET_NAME: parcel.name, KEYTURN_SECRET_VERSION: String(parcel.version) };
    const ended = yield* outside(() => world.runCommand(verify.command, env, verify.timeoutMs));
    if ('why' in ended) return ended.why;
    return ended.code === 0 ? undefined : `its command ended with ${ended.code}`;
  }
  if (verify.probe !== undefined) {
    const environment = ctx.environment(service.from);
    const probe = { url: verify.url, key: verify.probe, name: parcel.name };
    const seen = yield* askApplication(ctx, world.http, environment, parcel, probe);
    if (seen === 'new') return undefined;
    return seen === 'other' ? 'it uses another version' : 'it does not say which version it uses';
  }
  const answer = yield* outside(() => world.http.send({ url: verify.url }));
  if (answer.status === 0 && 'reason' in answer) return answer.reason;
  return answer.status >= 200 && answer.status < 300 ? undefined : `it answers ${answer.status}`;
}

/** Where a version has been sent, whether it is in use there or not. */
export function* destinationsWith(world: World, subject: Subject, version: number): Operation<Destination[]> {
  const rows = yield* all(selectSecretDeliveries, { secretId: subject.secret.id });
  const ids = new Set(
    rows.filter((row) => row.version === version && row.state !== 'waiting').map((row) => row.destination),
  );
  return world.destinations.filter((one) => ids.has(one.id));
}
