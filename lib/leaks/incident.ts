// A known value that was found where it should not be is an incident: one for each secret, with every place on its
// timeline.
import { addToTimeline, openIncident, showIncident } from '../incidents/incidents.ts';
import { logTransaction, type Operation, quietTransaction } from '../store/operation.ts';
import type { VaultContext } from '../vault/context.ts';
import { type KnownSecretFound, type LeakFinding, placeOf } from './finding.ts';

/** So many places are named on a timeline; the rest is counted. */
const PLACES_NAMED = 20;

export interface LeakIncident {
  readonly id: string;
  readonly opened: boolean;
  readonly secret: KnownSecretFound;
  /** The places that its timeline did not have yet. */
  readonly places: readonly string[];
}

/** Opens or completes the incidents of what was found, worst first. The log has that a scan was made, and what of. */
export function* recordLeaks(
  ctx: VaultContext,
  findings: readonly LeakFinding[],
  scanned: string,
): Operation<LeakIncident[]> {
  const bySecret = new Map<string, LeakFinding[]>();
  for (const finding of findings) {
    if (!finding.secret) continue;
    const { project, environment, name } = finding.secret;
    const key = JSON.stringify([project, environment, name]);
    bySecret.set(key, [...(bySecret.get(key) ?? []), finding]);
  }
  const details = { scanned, findings: findings.length, known: bySecret.size };
  yield* logTransaction(ctx.log([{ action: 'leak.scan', details }]));
  const incidents: LeakIncident[] = [];
  for (const found of bySecret.values()) incidents.push(yield* quietTransaction(recordOne(ctx, found, scanned)));
  return incidents.sort((a, b) => Number(b.secret.valid) - Number(a.secret.valid));
}

function* recordOne(ctx: VaultContext, findings: readonly LeakFinding[], scanned: string): Operation<LeakIncident> {
  // What is in use matters more than what was.
  const secret = (findings.find((one) => one.secret?.valid) ?? findings[0])?.secret;
  if (!secret) throw new RangeError('an incident is about a secret');
  const { project, environment, name } = secret;
  const title = `${name} (${environment}) was found in plain text in ${scanned}`;
  const { id, opened } = yield* openIncident(ctx, { kind: 'leak', title, project, environment, subject: name });
  const { timeline } = yield* showIncident(ctx, id);
  const lines = findings.map((one) => `Version ${one.secret?.version} at ${placeOf(one)}.`);
  const fresh = [...new Set(lines)].filter((line) => !timeline.some((event) => event.what === line));
  for (const line of fresh.slice(0, PLACES_NAMED)) yield* addToTimeline(ctx, id, line);
  if (fresh.length > PLACES_NAMED) {
    yield* addToTimeline(ctx, id, `And at ${fresh.length - PLACES_NAMED} more places of ${scanned}.`);
  }
  return { id, opened, secret, places: fresh };
}
