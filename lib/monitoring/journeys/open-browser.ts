// A real browser for journeys: playwright-core, which the project installs, and a Chromium that is on the machine.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { JourneyError } from './journey.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

function browserPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env.KEYTURN_BROWSER) return env.KEYTURN_BROWSER;
  const folders = (env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** @throws JourneyError where there is no playwright-core, or no browser */
export async function openBrowser(env: Readonly<Record<string, string | undefined>>): Promise<Browser> {
  const { chromium } = await import('playwright-core').catch(() => {
    throw new JourneyError(
      'steps in a browser need the package playwright-core: npm install --save-dev playwright-core',
    );
  });
  const executablePath = browserPath(env);
  if (executablePath === undefined) {
    throw new JourneyError('there is no Chromium on the PATH; KEYTURN_BROWSER names another');
  }
  // Chromium's sandbox refuses to work for root, which CI often is.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
