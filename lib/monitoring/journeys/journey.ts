// Synthetic journeys: what a user does, done by a program again and again against a live deployment. A journey is declared as
// steps; the runner times them, tries them again, and says which one failed and why, never with a secret in it.
import type { Browser, Page } from 'playwright-core';
import { JourneyHttp } from './journey-http.ts';

const STEP_MS = 30_000;
const RETRIES = 2;
const PAUSE_MS = 500;
const LONGEST_ERROR = 500;

/** What a step is given. */
export interface JourneyContext {
  /** Where the journey runs against, without a slash at its end. */
  readonly baseUrl: string;
  /** Requests with one jar of cookies; addresses begin at `baseUrl`. */
  readonly http: JourneyHttp;
  /** A page in a real browser, opened when first asked for. */
  readonly page: () => Promise<Page>;
  /** What earlier steps have left for later ones. */
  readonly state: Record<string, unknown>;
  /** A variable of the environment; its value is kept out of every message. @throws where it is not set */
  readonly secret: (name: string) => string;
  /** A variable that need not be set; kept out of messages too. */
  readonly optionalSecret: (name: string) => string | undefined;
  /** Something else that must not be in a message: what a step has made up. */
  readonly hide: (value: string) => void;
}

interface JourneyStep {
  readonly name: string;
  readonly run: (context: JourneyContext) => Promise<void>;
  /** How often it is tried again; twice where not given. 0 for what must not be done twice. */
  readonly retries?: number;
  /** Milliseconds for one try; 30,000 where not given. */
  readonly timeoutMs?: number;
  /** Runs whatever went wrong before: to clean up. */
  readonly always?: boolean;
}

export interface Journey {
  /** Lower-case letters, digits and -. */
  readonly name: string;
  readonly description?: string;
  /** Where it runs against, where nobody says and SYNTHETIC_MONITOR_BASE_URL is not set. */
  readonly baseUrl?: string;
  readonly steps: readonly JourneyStep[];
}

export interface StepResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** All tries together. */
  readonly ms: number;
  readonly tries: number;
  readonly error: string | null;
}

export interface JourneyRun {
  readonly id: string;
  readonly journey: string;
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly tookMs: number;
  readonly passed: boolean;
  /** The first failed step with its reason. */
  readonly error: string | null;
  readonly steps: readonly StepResult[];
}

export interface JourneyWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: () => number;
  readonly random: (count: number) => Buffer;
  /** Starts a browser. @throws where there is none */
  readonly openBrowser: () => Promise<Browser>;
  readonly onStep?: (step: StepResult) => void;
}

/** What did not go as a journey wants it: the message is for people. */
export class JourneyError extends Error {
  override readonly name = 'JourneyError';
  /** True where another try would end the same: a setting is missing. */
  readonly final: boolean;

  constructor(message: string, final = false) {
    super(message);
    this.final = final;
  }
}

/** @param target where it runs against. @returns the run, and a PNG of the page where a step in a browser failed */
export async function runJourney(
  journey: Journey,
  target: string,
  world: JourneyWorld,
): Promise<{ run: JourneyRun; screenshot: Buffer | undefined }> {
  const hidden = new Set<string>();
  const hide = (value: string) => void (value.length >= 4 && hidden.add(value));
  const browsing = new Browsing(world.openBrowser);
  const context = contextFor(target, world, hide, () => browsing.page());
  const startedAt = world.clock();
  const started = performance.now();
  const steps: StepResult[] = [];
  let failed: StepResult | undefined;
  let screenshot: Buffer | undefined;
  try {
    for (const step of journey.steps) {
      const result =
        failed && !step.always ? skipped(step) : await runStep(step, context, (text) => withoutHidden(text, hidden));
      steps.push(result);
      world.onStep?.(result);
      if (result.outcome !== 'failed' || failed) continue;
      failed = result;
      screenshot = await browsing.screenshot();
    }
  } finally {
    await browsing.close();
  }
  const run = {
    id: `run-${new Date(startedAt).toISOString().slice(0, 10)}-${world.random(4).toString('hex')}`,
    journey: journey.name,
    target,
    startedAt,
    tookMs: Math.round(performance.now() - started),
    passed: failed === undefined,
    error: failed ? `${failed.name}: ${failed.error}` : null,
    steps,
  };
  return { run, screenshot };
}

function contextFor(
  target: string,
  world: JourneyWorld,
  hide: (value: string) => void,
  page: () => Promise<Page>,
): JourneyContext {
  const baseUrl = target.replace(/\/+$/, '');
  const optionalSecret = (name: string) => {
    const value = world.env[name];
    if (value) hide(value);
    return value || undefined;
  };
  const secret = (name: string) => {
    const value = optionalSecret(name);
    if (value === undefined) throw new JourneyError(`${name} is not set.`, true);
    return value;
  };
  return { baseUrl, http: new JourneyHttp(baseUrl), page, state: {}, secret, optionalSecret, hide };
}

function skipped({ name }: JourneyStep): StepResult {
  return { name, outcome: 'skipped', ms: 0, tries: 0, error: null };
}

async function runStep(
  step: JourneyStep,
  context: JourneyContext,
  clean: (text: string) => string,
): Promise<StepResult> {
  const started = performance.now();
  const most = 1 + (step.retries ?? RETRIES);
  let error = '';
  let tries = 1;
  for (; ; tries += 1) {
    try {
      await inTime(step.run(context), step.timeoutMs ?? STEP_MS);
      return { name: step.name, outcome: 'passed', ms: since(started), tries, error: null };
    } catch (failure) {
      error = clean(reasonOf(failure));
      if (tries === most || (failure instanceof JourneyError && failure.final)) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
    }
  }
  return { name: step.name, outcome: 'failed', ms: since(started), tries, error };
}

function since(started: number): number {
  return Math.round(performance.now() - started);
}

async function inTime(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new JourneyError(`it took longer than ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first lines of an error: a browser's has a long log below. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  const text = (message ?? String(error)).split('\n').slice(0, 2).join(' ');
  return cause?.code ? `${text} (${cause.code})` : text;
}

function withoutHidden(text: string, hidden: ReadonlySet<string>): string {
  let clean = text;
  for (const value of hidden) clean = clean.replaceAll(value, '•••').replaceAll(encodeURIComponent(value), '•••');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a browser's errors have colours
  return clean.replace(/\u001b\[\d+m/g, '').slice(0, LONGEST_ERROR);
}

/** One browser with one page, for the steps that want it. */
class Browsing {
  readonly #open: () => Promise<Browser>;
  #browser: Promise<Browser> | undefined;
  #page: Promise<Page> | undefined;

  constructor(open: () => Promise<Browser>) {
    this.#open = open;
  }

  page(): Promise<Page> {
    this.#browser ??= this.#open();
    this.#page ??= this.#browser.then((browser) => browser.newPage());
    return this.#page;
  }

  async screenshot(): Promise<Buffer | undefined> {
    try {
      const page = await this.#page;
      // Fields of passwords show dots anyway; others are left out, since nobody knows what they hold.
      return page && (await page.screenshot({ mask: [page.locator('input')], timeout: 5_000 }));
    } catch {
      // A page that is gone has nothing to show: the step's own error says why.
      return undefined;
    }
  }

  async close(): Promise<void> {
    try {
      await (await this.#browser)?.close();
    } catch {
      // One that could not be opened was told by the step that asked for it.
    }
  }
}
