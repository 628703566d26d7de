// A real browser for the console's tests. Every page of it is watched: a request to another origin, an error in its console,
// or something that its policy refused fails the test that made it.
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';
import { findBrowser } from '../../scripts/lib/browser.js';
import type { TestServer } from './server.ts';

const program = findBrowser();

/** Why the tests of a file cannot run here; undefined where they can. CI has to have a browser. */
export const noBrowser =
  program !== undefined && existsSync(program)
    ? undefined
    : 'There is no Chromium on this machine: install it (`apt-get install chromium`), or name one as KEYTURN_BROWSER.';
if (noBrowser && process.env.CI) throw new Error(noBrowser);

let browser: Promise<Browser> | undefined;

function launched(): Promise<Browser> {
  browser ??= chromium.launch({ executablePath: program ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  return browser;
}

afterAll(async () => {
  const running = await browser;
  browser = undefined;
  await running?.close();
});

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Everything that it has asked for. */
  readonly requests: Request[];
  /** What went wrong so far; a test that expects some of it takes it out. */
  readonly trouble: string[];
}

export interface PageOptions {
  /** A session's cookie, as `signIn` gives it. */
  readonly as?: string;
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** An answer that is an error is for the page to show: the browser's own line about it is no news. */
const EXPECTED = /Failed to load resource/;

export async function openPage(at: TestServer, options: PageOptions = {}): Promise<Watched> {
  const context = await (await launched()).newContext({
    baseURL: at.url,
    colorScheme: options.dark ? 'dark' : 'light',
    viewport: { width: options.width ?? 1280, height: options.height ?? 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(15_000);
  if (options.as !== undefined) await context.addCookies(cookies(at, options.as));
  const page = await context.newPage();
  const trouble: string[] = [];
  const requests: Request[] = [];
  page.on('request', (request) => {
    requests.push(request);
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== at.url) trouble.push(`a request to ${origin}`);
  });
  page.on('pageerror', (error) => trouble.push(`an error in the page: ${error.message}`));
  page.on('console', (message) => {
    const { url } = message.location();
    if (!['error', 'warning'].includes(message.type()) || EXPECTED.test(message.text())) return;
    trouble.push(`the console: ${message.text()} (${url})`);
  });
  onTestFinished(async () => {
    await context.close();
    if (trouble.length > 0) throw new Error(trouble.join('\n'));
  });
  return { page, context, requests, trouble };
}

function cookies(at: TestServer, cookie: string) {
  return cookie.split('; ').map((pair) => {
    const [name = '', ...rest] = pair.split('=');
    return { name, value: rest.join('='), url: at.url };
  });
}
