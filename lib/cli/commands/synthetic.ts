// keyturn synthetic: runs synthetic journeys against a live deployment, keeps what came of it, and shows it.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemRandom } from '../../crypto/random.ts';
import { isKeyturnError, NotFoundError, UsageError } from '../../errors.ts';
import { updateAlerts } from '../../monitoring/alert-run.ts';
import { type Journey, type JourneyRun, runJourney, type StepResult } from '../../monitoring/journeys/journey.ts';
import { toJunit } from '../../monitoring/journeys/junit.ts';
import { keepRun, listRuns, showRun } from '../../monitoring/journeys/kept-runs.ts';
import { type FoundJourney, loadJourneys } from '../../monitoring/journeys/load-journeys.ts';
import { openBrowser } from '../../monitoring/journeys/open-browser.ts';
import { replaceFile } from '../../vault/files.ts';
import type { Place } from '../../vault/places.ts';
import { alertRunOf } from '../alerting.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, openSession, openWorld, surroundings, withJson, withSession } from '../session.ts';
import { moment, plural } from '../words.ts';

interface RunOptions extends CommonOptions {
  readonly baseUrl?: string;
  readonly junit?: string;
  readonly screenshots?: string;
  readonly keep?: boolean;
}

export function register(program: Command): void {
  const synthetic = program.command('synthetic').description('synthetic journeys: what a user does, done by a program');
  withJson(
    synthetic
      .command('run')
      .description('run journeys against a live deployment; ends with 1 where one fails')
      .argument('<journeys...>', 'names; `keyturn synthetic journeys` lists them'),
  )
    .option('--base-url <url>', 'where to run them against (SYNTHETIC_MONITOR_BASE_URL, else what the journey says)')
    .option('--junit <file>', 'write JUnit XML there')
    .option('--screenshots <folder>', 'where the page goes on which a browser step failed', 'reports/journeys')
    .option('--no-keep', 'do not keep the run in the vault here, or on the server at KEYTURN_URL')
    .action((names: string[], options: RunOptions) => run(names, options));
  withJson(synthetic.command('journeys').description('the journeys that there are')).action(listJourneys);
  withJson(synthetic.command('list').description('the runs so far, with a chart of how long they took')).action(
    (options: CommonOptions) =>
      withSession('synthetic list', options, ({ vault, out }) => list(out, vault.run(listRuns(vault.context, 0)))),
  );
  withJson(synthetic.command('show').description('one run, step by step').argument('<id>', 'the run')).action(
    (id: string, options: CommonOptions) =>
      withSession('synthetic show', options, ({ vault, out }) => {
        const { run: found } = vault.run(showRun(vault.context, id));
        out.data(found);
        out.line(`${found.journey} at ${found.target}, ${moment(found.startedAt)}:`);
        for (const step of found.steps) sayStep(out, step);
        sayRun(out, found);
      }),
  );
}

async function listJourneys(options: CommonOptions): Promise<void> {
  const { home, out } = surroundings(options);
  const found = await loadJourneys(home.root);
  out.data(
    found.map(({ journey, file }) => ({
      name: journey.name,
      description: journey.description ?? null,
      file: file ?? null,
    })),
  );
  out.table(
    ['journey', 'declared in', 'what'],
    found.map(({ journey, file }) => [
      journey.name,
      file ?? 'Keyturn',
      journey.description ?? plural(journey.steps.length, 'step'),
    ]),
  );
}

async function run(names: readonly string[], options: RunOptions): Promise<void> {
  const around = surroundings(options);
  const { out, home } = around;
  const journeys = await loadJourneys(home.root);
  const chosen = names.map((name) => journeyNamed(journeys, name));
  const targets = chosen.map((journey) => targetOf(journey, options));
  const runs: JourneyRun[] = [];
  for (const [index, journey] of chosen.entries()) {
    const target = targets[index] ?? '';
    out.line(`${out.style('bold', journey.name)} at ${target}`);
    const world = {
      env: process.env,
      clock: Date.now,
      random: systemRandom,
      openBrowser: () => openBrowser(process.env),
      onStep: (step: StepResult) => sayStep(out, step),
    };
    const { run: result, screenshot } = await runJourney(journey, target, world);
    runs.push(result);
    sayRun(out, result);
    const picture =
      screenshot && join(resolve(home.root, options.screenshots ?? 'reports/journeys'), `${result.id}.png`);
    if (picture && screenshot) {
      replaceFile(picture, screenshot);
      out.line(`  The page on which it failed: ${picture}`);
    }
    if (options.keep !== false) await keep(options, out, result, screenshot);
  }
  // What CI reads has to be there for others on the machine, too.
  if (options.junit !== undefined) writeFileSync(resolve(options.junit), toJunit(runs));
  out.data(runs);
  if (runs.some((one) => !one.passed)) process.exitCode = EXIT.findings;
}

function journeyNamed(journeys: readonly FoundJourney[], name: string): Journey {
  const found = journeys.find(({ journey }) => journey.name === name);
  if (found) return found.journey;
  throw new NotFoundError(
    'KT_NOT_FOUND',
    `There is no journey "${name}".`,
    `There are ${journeys.map((one) => one.journey.name).join(', ')}.`,
  );
}

function targetOf(journey: Journey, options: RunOptions): string {
  const { SYNTHETIC_MONITOR_BASE_URL: everywhere, OUTREACH_RUNNER_URL: runner } = process.env;
  const own = journey.name === 'outreach-runner' && runner && URL.canParse(runner) ? new URL(runner).origin : undefined;
  const target = options.baseUrl ?? own ?? (everywhere || undefined) ?? journey.baseUrl;
  if (target === undefined) {
    throw new UsageError(
      `Where is ${journey.name} to run?`,
      'Give --base-url https://…, or set SYNTHETIC_MONITOR_BASE_URL.',
    );
  }
  if (!/^https?:\/\//.test(target) || !URL.canParse(target)) {
    throw new UsageError(
      `"${target}" is no address of a deployment.`,
      'Write the whole address: https://cloudgreet.com.',
    );
  }
  return target;
}

const MARKS = { passed: ['green', '✓'], failed: ['red', '✗'], skipped: ['dim', '–'] } as const;

function sayStep(out: Output, step: StepResult): void {
  const [colour, mark] = MARKS[step.outcome];
  const time = step.outcome === 'skipped' ? 'skipped' : `${step.ms} ms`;
  const tries = step.tries > 1 ? `, ${step.tries} tries` : '';
  out.line(`  ${out.style(colour, mark)} ${step.name}  ${out.style('dim', time + tries)}`);
  if (step.error !== null) out.line(`      ${step.error}`);
}

function sayRun(out: Output, result: JourneyRun): void {
  const word = result.passed ? out.style('green', 'passed') : out.style('red', 'failed');
  out.line(`  ${word} in ${result.tookMs} ms (${result.id})`);
}

/** On the server where one is named, else in the vault here; in CI there often is neither. */
async function keep(
  options: RunOptions,
  out: Output,
  result: JourneyRun,
  screenshot: Buffer | undefined,
): Promise<void> {
  const { KEYTURN_URL: url, KEYTURN_TOKEN: token } = process.env;
  if (url && token) {
    await keepOnServer({ url, token, at: surroundings(options).at }, out, result, screenshot);
    return;
  }
  try {
    const session = openSession('synthetic run', options);
    const { vault } = session;
    try {
      vault.run(keepRun(vault.context, result, screenshot));
      // Whoever has to know is told now.
      await vault.perform(updateAlerts(vault.context, alertRunOf(session, await openWorld(session))));
    } finally {
      vault.close();
    }
  } catch (error) {
    if (!isKeyturnError(error) || error.code !== 'KT_VAULT_NOT_FOUND') throw error;
    out.note('  There is no vault here, and no KEYTURN_URL: the run is kept nowhere but in what is written now.');
  }
}

interface Server {
  readonly url: string;
  readonly token: string;
  readonly at: Place;
}

async function keepOnServer(
  { url, token, at }: Server,
  out: Output,
  result: JourneyRun,
  screenshot: Buffer | undefined,
): Promise<void> {
  const place = `projects/${encodeURIComponent(at.project)}/environments/${encodeURIComponent(at.environment)}`;
  const response = await fetch(new URL(`/v1/${place}/journeys`, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': result.id },
    body: JSON.stringify({ ...result, ...(screenshot && { screenshot: screenshot.toString('base64') }) }),
    signal: AbortSignal.timeout(30_000),
  }).catch(() => undefined);
  if (response?.status === 201) return;
  // The journey has run: that its result could not be kept is told, and is not its failure.
  out.note(
    `  The run could not be kept at KEYTURN_URL (${response ? `it answers ${response.status}` : 'it cannot be reached'}); KEYTURN_ENV says which environment it is about.`,
  );
}

const BARS = '▁▂▃▄▅▆▇█';
const CHARTED = 40;

function list(out: Output, runs: readonly JourneyRun[]): void {
  out.data(runs);
  if (runs.length === 0) {
    out.line('No journey has run yet: `keyturn synthetic run registration --base-url https://…`.');
    return;
  }
  for (const name of new Set(runs.map((one) => one.journey))) {
    const own = runs
      .filter((one) => one.journey === name)
      .slice(0, CHARTED)
      .reverse();
    const most = Math.max(...own.map((one) => one.tookMs));
    const chart = own.map((one) => {
      const bar = BARS[Math.min(BARS.length - 1, Math.floor((one.tookMs / (most + 1)) * BARS.length))] ?? '';
      return out.style(one.passed ? 'green' : 'red', bar);
    });
    out.aside(
      `${name}  ${chart.join('')}  ${own.filter((one) => one.passed).length} of ${own.length} passed, longest ${most} ms`,
    );
  }
  out.table(
    ['run', 'when', 'journey', 'result', 'took', 'where'],
    runs
      .slice(0, 100)
      .map((one) => [
        one.id,
        moment(one.startedAt),
        one.journey,
        one.passed ? 'passed' : `failed: ${one.error}`,
        `${one.tookMs} ms`,
        one.target,
      ]),
  );
}
