// Secrets in the console: from the one-time link and the tour to adding, importing, changing, comparing, deleting and
// restoring; what happens when a save fails, two people edit, or a session ends while somebody types.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { noBrowser, openPage } from '../../support/browser.ts';
import { emptyScene, put } from '../../support/console-vault.ts';
import { BASE, OWNER, testServer, token } from '../../support/server.ts';

const FILE = `# Ours
JWT_SECRET="Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf"
STRIPE_SECRET_KEY=sk_test_51Hx9Qw3Zr7Tn0Bv5Kd8Lm2
EMPTY_ONE=
PEM="-----BEGIN KEY-----
two lines
-----END KEY-----"
`;

async function addSecret(page: Page, name: string, value: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a secret' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Value').fill(value);
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
}

describe.skipIf(noBrowser)('secrets in the console', () => {
  it('a first run goes from the link to an owner, through the tour: import, validate, schedule', async () => {
    const at = await testServer();
    const link = (await at.server.ownerLink()) ?? '';
    const { page } = await openPage(at);
    await page.goto('/');
    await page.waitForURL('**/sign-in**');
    await page.getByText('Nobody owns this vault yet').waitFor();
    await page.goto(link.replace(at.url, ''));
    await page.getByRole('heading', { name: 'Create the owner' }).waitFor();
    await page.getByLabel('Email').fill(OWNER.email);
    await page.getByLabel('Your name').fill(OWNER.name);
    await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password);
    await page.getByRole('textbox', { name: 'The same again' }).fill('something else altogether');
    await page.getByText('The two passwords differ.').waitFor();
    await page.getByRole('textbox', { name: 'The same again' }).fill(OWNER.password);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.waitForURL('**/admin/welcome**');
    expect(page.url()).not.toContain('#');

    await page.getByRole('link', { name: 'Import a .env' }).first().click();
    const file = join(at.folder, 'dropped.env');
    writeFileSync(file, FILE);
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText('EMPTY_ONE').waitFor();
    await page.getByRole('button', { name: 'Import 3 secrets' }).click();
    await page.getByText('3 secrets are in development now').waitFor();

    await page.goto('/admin/welcome');
    await page.getByText('See that they work').waitFor();
    await page.getByRole('button', { name: 'Validate all' }).click();
    await page.getByText('of 3 could be asked about').waitFor();
    await page.getByRole('button', { name: 'Next step' }).last().click();
    await page.getByText('Within a year').waitFor();
    await page.getByRole('link', { name: 'To the calendar' }).click();
    await page.getByRole('heading', { name: 'Rotations' }).waitFor();

    // What was imported is what the file says, over several lines too.
    const cookie = (await page.context().cookies()).map((one) => `${one.name}=${one.value}`).join('; ');
    const program = await token(at, cookie);
    const { body } = await at.call('GET', `${BASE}/secrets/PEM`, { as: program });
    expect(body.value).toBe('-----BEGIN KEY-----\ntwo lines\n-----END KEY-----');
  });

  it('finds by part of a name, filters by type and state, and leads to the page of each', async () => {
    const scene = await emptyScene();
    for (const name of ['JWT_SECRET', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']) await put(scene, name, `x${name}`);
    const { page } = await openPage(scene.at, { as: scene.as });
    await page.goto('/admin/secrets');
    const rows = page.locator('.grid-row');
    await expect.poll(() => rows.count()).toBe(3);
    await page.getByLabel('Search names').fill('stripe');
    await expect.poll(() => rows.count()).toBe(2);
    expect(page.url()).toContain('q=stripe');
    await page.getByRole('combobox', { name: 'Type' }).click();
    await page.getByRole('option', { name: 'Webhook signing secret' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'Overdue' }).click();
    await page.getByText('No secret fits').waitFor();
    // The address has it all: a reload shows the same, and so does a colleague's browser.
    await page.reload();
    await page.getByText('No secret fits').waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => rows.count()).toBe(3);
    await page.getByRole('link', { name: 'STRIPE_SECRET_KEY' }).click();
    await page.getByRole('heading', { name: 'STRIPE_SECRET_KEY' }).waitFor();
  });

  it('adds with a made-up value, describes, sets, brings an old value back, deletes and restores', async () => {
    const { at, as } = await emptyScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/secrets');
    await page.getByText('There are no secrets in development yet').waitFor();
    await page.getByRole('button', { name: 'Add a secret' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('JWT_SECRET');
    await page.getByText('signs the sessions of your own users').waitFor();
    await dialog.getByRole('button', { name: 'Make up a strong one' }).click();
    await dialog.getByLabel('Owner').fill('platform');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('link', { name: 'JWT_SECRET' }).click();

    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name: 'Change type, interval, owner' }).click();
    await dialog.getByLabel('Turns every').fill('30');
    await dialog.getByLabel('Labels').fill('team=core, tier=1');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('team=core, tier=1').waitFor();

    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name: 'Set a new value' }).click();
    await dialog.getByLabel('Value').fill('another value that is long enough to be one');
    await dialog.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('version 2 is in use').first().waitFor();

    await page.getByRole('button', { name: 'Bring back' }).click();
    await dialog.getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('is in use again, as version 3').waitFor();

    await page.getByRole('button', { name: 'Actions' }).first().click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Secrets' }).waitFor();
    await page.goto('/admin/secrets/JWT_SECRET');
    await page.getByRole('button', { name: 'Restore' }).click();
    await page.getByRole('button', { name: 'Rotate', exact: true }).waitFor();
    const { body } = await at.call('GET', `${BASE}/secrets/JWT_SECRET/history`, { as });
    expect(body.versions).toHaveLength(3);
    expect(body.versions[0].fingerprint).toBe(body.versions[2].fingerprint);
  });

  it('tells the second of two people who edit, and saves over the first only when asked', async () => {
    const scene = await emptyScene();
    const { at, as } = scene;
    await put(scene, 'JWT_SECRET', 'the first value, long enough');
    const { page } = await openPage(at, { as });
    await page.goto('/admin/secrets/JWT_SECRET');
    await page.getByRole('button', { name: 'Actions' }).first().click();
    await page.getByRole('menuitem', { name: 'Set a new value' }).click();
    await put(scene, 'JWT_SECRET', 'what a colleague has set meanwhile');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Value').fill('mine, typed before I knew');
    await dialog.getByRole('button', { name: 'Set', exact: true }).click();
    await dialog.getByText('Somebody has changed it since you opened this form').waitFor();
    const history = async () => (await at.call('GET', `${BASE}/secrets/JWT_SECRET/history`, { as })).body.versions;
    expect(await history()).toHaveLength(2);
    await dialog.getByRole('button', { name: 'Save mine over it' }).click();
    await page.getByText('JWT_SECRET: version 3 is in use.').waitFor();
    expect(await history()).toHaveLength(3);
  });

  it('loses nothing when a save fails or the server is away, and says what happened', async () => {
    const { at, as } = await emptyScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/secrets');
    await page.route('**/secrets/KEPT', (route) => route.abort());
    await addSecret(page, 'KEPT', 'typed once');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The server cannot be reached.').waitFor();
    expect(await dialog.getByLabel('Value').inputValue()).toBe('typed once');
    await page.unroute('**/secrets/KEPT');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('KEPT was added.').waitFor();
    // Nor when it is there already, or cannot be a name.
    await addSecret(page, 'KEPT', 'typed twice');
    await dialog.getByRole('alert').waitFor();
    expect(await dialog.getByLabel('Value').inputValue()).toBe('typed twice');
    await dialog.getByLabel('Name').fill('no name!');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect.poll(() => dialog.getByRole('alert').textContent()).toContain('KT_');
    expect(await dialog.getByLabel('Value').inputValue()).toBe('typed twice');
  });

  it('lets somebody whose session has ended sign in over the page, and go on', async () => {
    const { at, as } = await emptyScene();
    const { page, context } = await openPage(at, { as });
    await page.goto('/admin/secrets');
    await page.getByRole('button', { name: 'Add a secret' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Add a secret' });
    await dialog.getByLabel('Name').fill('KEPT');
    await dialog.getByLabel('Value').fill('typed before the session ended');
    await context.clearCookies();
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    const again = page.getByRole('dialog', { name: 'Your session has ended' });
    await again.getByRole('textbox', { name: 'Password' }).fill(OWNER.password);
    await again.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect.poll(() => again.count()).toBe(0);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('KEPT was added.').waitFor();
  });

  it('compares environments by fingerprint', async () => {
    const scene = await emptyScene();
    await put(scene, 'SAME', 'one value');
    await put(scene, 'OTHER', 'one value of two');
    await put(scene, 'SAME', 'one value', {}, BASE.replace('development', 'staging'));
    await put(scene, 'OTHER', 'another', {}, BASE.replace('development', 'staging'));
    await put(scene, 'ONLY_HERE', 'x');
    const { page } = await openPage(scene.at, { as: scene.as });
    await page.goto('/admin/compare');
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await expect.poll(() => row('ONLY_HERE').getByText('Missing').count()).toBe(2);
    expect(await row('OTHER').getByText('value A').count()).toBe(1);
    expect(await row('OTHER').getByText('value B').count()).toBe(1);
  });

  it('works without a mouse: skip link, palette, dialogs and back', async () => {
    const scene = await emptyScene();
    await put(scene, 'JWT_SECRET', 'a value');
    const { page } = await openPage(scene.at, { as: scene.as });
    await page.goto('/admin');
    await page.getByText('Next rotations').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    const goTo = async (typed: string, found: RegExp) => {
      await page.keyboard.press('Control+k');
      await expect.poll(() => page.evaluate('document.activeElement.placeholder ?? ""')).toContain('Go to');
      await page.keyboard.type(typed);
      await page.getByRole('dialog').getByRole('button', { name: found }).waitFor();
      await page.keyboard.press('Enter');
    };
    await goTo('jwt', /JWT_SECRET/);
    await page.getByRole('heading', { name: 'JWT_SECRET' }).waitFor();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await goTo('audit', /Audit log/);
    await page.getByRole('heading', { name: 'Audit log' }).waitFor();
    await page.goto('/admin/secrets');
    const add = page.getByRole('button', { name: 'Add a secret' });
    await add.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.closest("[role=dialog]") !== null')).toBe(true);
    // The first closes the list of names that are known.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Add a secret');
  });
});
