// Every page of the console, light and dark, on a desk and on a phone: it shows itself without an error, axe finds nothing
// serious, nothing is wider than the screen, and a picture of it goes into docs/screenshots.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { noBrowser, openPage } from '../../support/browser.ts';
import { ROOT } from '../../support/command.ts';
import { emptyScene, furnishedScene } from '../../support/console-vault.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Pictures are kept only when they are asked for: each run would change their bytes. */
const PICTURES = process.env.KEYTURN_SCREENSHOTS === 'write' ? join(ROOT, 'docs', 'screenshots') : undefined;

const PAGES: readonly { readonly name: string; readonly path: string; readonly ready: string }[] = [
  { name: 'overview', path: '/admin', ready: 'Next rotations' },
  { name: 'secrets', path: '/admin/secrets', ready: 'STRIPE_SECRET_KEY' },
  { name: 'secret', path: '/admin/secrets/JWT_SECRET', ready: 'Fingerprint' },
  { name: 'compare', path: '/admin/compare', ready: 'Missing' },
  { name: 'import', path: '/admin/import', ready: 'Drop a .env file here' },
  { name: 'rotations', path: '/admin/rotations', ready: 'Next' },
  { name: 'monitoring', path: '/admin/monitoring', ready: 'Strength' },
  { name: 'alerts', path: '/admin/alerts', ready: 'I deal with it' },
  { name: 'incidents', path: '/admin/incidents', ready: 'OPENAI_API_KEY' },
  { name: 'audit', path: '/admin/audit', ready: 'Details' },
  { name: 'reports', path: '/admin/reports', ready: 'findings' },
  { name: 'access', path: '/admin/access', ready: 'ruth@example.com' },
  { name: 'account', path: '/admin/account', ready: 'This one' },
  { name: 'integrations', path: '/admin/settings/integrations', ready: 'Stripe' },
  { name: 'vault', path: '/admin/settings/vault', ready: 'Backups' },
  { name: 'welcome', path: '/admin/welcome', ready: 'Look at the schedule' },
];

const SECRET = '/admin/secrets/JWT_SECRET';
const DIALOGS: readonly {
  readonly path: string;
  readonly open: string;
  readonly item?: string;
  readonly name: string;
}[] = [
  { path: '/admin/secrets', open: 'Add a secret', name: 'Add a secret' },
  { path: SECRET, open: 'Rotate', name: 'Rotate JWT_SECRET' },
  { path: SECRET, open: 'Reveal', name: 'Reveal JWT_SECRET' },
  { path: SECRET, open: 'Actions', item: 'Set a new value', name: 'A new value of JWT_SECRET' },
  { path: SECRET, open: 'Actions', item: 'Change type', name: 'About JWT_SECRET' },
  { path: SECRET, open: 'Actions', item: 'wrong hands', name: 'JWT_SECRET is in wrong hands' },
  { path: SECRET, open: 'Actions', item: 'Delete', name: 'Delete JWT_SECRET?' },
  { path: '/admin/settings/integrations', open: 'Manage', name: 'Manage' },
  { path: '/admin/access', open: 'Invite somebody', name: 'Invite somebody' },
  { path: '/admin/audit', open: 'Verify', name: 'The chain of the log' },
  { path: '/admin/alerts', open: 'Mute', name: 'Mute this alert' },
  { path: '/admin/account', open: 'Turn on', name: 'Second factor' },
];

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds that is serious or critical, against WCAG 2.2 AA. Not added by a script element: the policy forbids that. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }).then((result) => result.violations)`)) as Finding[];
  return found
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
}

async function show(page: Page, { path, ready }: (typeof PAGES)[number]): Promise<void> {
  await page.goto(path);
  await page.getByText(ready).first().waitFor();
  await expect.poll(() => page.getByLabel('Loading').count(), { timeout: 15_000 }).toBe(0);
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled' });
}

describe.skipIf(noBrowser)('every page', () => {
  for (const dark of [false, true]) {
    const scheme = dark ? 'dark' : 'light';
    it(`shows itself in ${scheme}, and axe finds nothing serious`, async () => {
      const { at, as } = await furnishedScene();
      const { page } = await openPage(at, { as, dark });
      const found: Record<string, string[]> = {};
      for (const one of PAGES) {
        await show(page, one);
        await picture(page, `${one.name}-${scheme}`);
        const findings = await seriousFindings(page);
        if (findings.length > 0) found[one.name] = findings;
      }
      expect(found).toEqual({});
    });
  }

  it('opens dialogs in which axe finds nothing serious', async () => {
    const { at, as } = await furnishedScene();
    const { page } = await openPage(at, { as });
    const found: Record<string, string[]> = {};
    for (const { path, open, name, item } of DIALOGS) {
      await page.goto(path);
      await page.getByRole('button', { name: open, exact: true }).first().click();
      if (item) await page.getByRole('menuitem', { name: item }).click();
      await page.getByRole('dialog', { name }).waitFor();
      await expect.poll(() => page.getByRole('menu').count()).toBe(0);
      await expect.poll(() => page.getByLabel('Loading').count()).toBe(0);
      const findings = await seriousFindings(page);
      if (findings.length > 0) found[name] = findings;
    }
    expect(found).toEqual({});
  });

  it('loads less than 250 kB of compressed JavaScript at first', async () => {
    const { at, as } = await emptyScene();
    const { page, requests } = await openPage(at, { as });
    await page.goto('/admin');
    await page.getByText('There are no secrets in development yet').waitFor();
    const scripts = requests.filter((one) => one.url().endsWith('.js'));
    const sizes = await Promise.all(scripts.map(async (one) => (await one.sizes()).responseBodySize));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(scripts.length).toBeGreaterThan(0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(250_000);
    console.info(`first load: ${Math.round(total / 1000)} kB of compressed JavaScript in ${scripts.length} files`);
  });

  it('fits on a phone: nothing is wider than the screen, and axe finds nothing serious', async () => {
    const { at, as } = await furnishedScene();
    const { page } = await openPage(at, { as, width: 375, height: 800 });
    const found: Record<string, string[]> = {};
    for (const one of PAGES) {
      await show(page, one);
      const wide = Number(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'));
      const findings = await seriousFindings(page);
      if (wide > 0) findings.push(`it is ${wide} pixels wider than the phone`);
      if (findings.length > 0) found[one.name] = findings;
      if (one.name === 'overview' || one.name === 'secrets') await picture(page, `${one.name}-phone`);
    }
    expect(found).toEqual({});
  });
});
