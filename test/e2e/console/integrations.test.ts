// The integration control center and rotations: keys entered, turned with proof, cleared and validated; a rotation seen
// state by state as it happens; a value pasted for what only a person can make.
import { describe, expect, it } from 'vitest';
import { noBrowser, openPage } from '../../support/browser.ts';
import { emptyScene, OPENAI, put, STRIPE } from '../../support/console-vault.ts';
import { BASE, token } from '../../support/server.ts';

describe.skipIf(noBrowser)('the integration control center', () => {
  it('enters a key, validates it live, turns it with proof, and says when a provider refuses', async () => {
    const { at, as, stripe } = await emptyScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/settings/integrations');
    const card = page.getByRole('region', { name: 'Stripe' });
    await card.getByText('Not set up').waitFor();
    expect(await card.getByRole('link', { name: 'Docs' }).getAttribute('href')).toContain('stripe.com');
    await card.getByRole('button', { name: 'Manage' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('STRIPE_SECRET_KEY').fill(STRIPE);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Stripe was saved.').waitFor();
    await card.getByRole('button', { name: 'Validate' }).click();
    await card.getByText('Connected').waitFor();
    await card.getByText('Stripe accepts it').waitFor();

    // A new key is tried at Stripe before it replaces the one in use: a wrong one changes nothing, and stays typed.
    await card.getByRole('button', { name: 'Manage' }).click();
    await dialog.getByLabel('STRIPE_SECRET_KEY').fill('sk_test_51WrongWrongWrongWrong0');
    await dialog.getByText('A key in use is rotated').waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').waitFor();
    const program = await token(at, as);
    const value = async () => (await at.call('GET', `${BASE}/secrets/STRIPE_SECRET_KEY`, { as: program })).body.value;
    expect(await value()).toBe(STRIPE);
    const next = 'sk_test_51NextNextNextNextNext1';
    stripe.addKey(next);
    await dialog.getByLabel('STRIPE_SECRET_KEY').fill(next);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => dialog.count()).toBe(0);
    await expect.poll(value).toBe(next);

    for (const key of stripe.keys) key.live = false;
    await card.getByRole('button', { name: 'Validate' }).click();
    await card.getByText('Failing').waitFor();
    await card.getByText('refuses it').waitFor();
  });

  it('clears an optional field that is left blank, and keeps what was not touched', async () => {
    const scene = await emptyScene();
    const { at, as } = scene;
    await put(scene, 'TELNYX_API_KEY', 'KEY0187A4Example_q7Xn2Vb9Kd');
    await put(scene, 'TELNYX_CONNECTION_ID', '1494404757140276705');
    const { page } = await openPage(at, { as });
    await page.goto('/admin/settings/integrations');
    await page.getByRole('region', { name: 'Telnyx' }).getByRole('button', { name: 'Manage' }).click();
    const dialog = page.getByRole('dialog');
    // What is set is told by dots: the value itself never comes.
    expect(await dialog.getByLabel('TELNYX_API_KEY').inputValue()).toMatch(/^•+$/);
    await dialog.getByLabel('TELNYX_CONNECTION_ID').fill('');
    await dialog.getByText('Will be cleared: TELNYX_CONNECTION_ID.').waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Telnyx was saved.').waitFor();
    const { body } = await at.call('GET', `${BASE}/secrets`, { as });
    expect(body.secrets.map((one: { name: string; version: number }) => [one.name, one.version])).toEqual([
      ['TELNYX_API_KEY', 1],
    ]);
  });
});

describe.skipIf(noBrowser)('rotations in the console', () => {
  it('a rotation is shown as it happens, wherever it was begun, and rolled back from here', async () => {
    const scene = await emptyScene();
    const { at, as } = scene;
    await put(scene, 'JWT_SECRET', 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf');
    const { page } = await openPage(at, { as });
    await page.goto('/admin/rotations');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Past' }).click();
    await page.getByText('Nothing has been rotated yet').waitFor();
    // By somebody else, over the API: nobody touches this page.
    await at.call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as, body: {}, headers: { origin: at.url } });
    const row = page.getByRole('row').filter({ hasText: 'JWT_SECRET' });
    await row.getByText('In grace').waitFor();
    await row.getByText('version 1 → 2').waitFor();
    await row.getByRole('button', { name: 'Roll back' }).click();
    await page.getByText('the value before is in use again, as version 3').waitFor();
  });

  it('what only a person can make waits here, with the provider’s page, for its value', async () => {
    const scene = await emptyScene();
    const { at, as, openai } = scene;
    await put(scene, 'OPENAI_API_KEY', OPENAI);
    const waiting = await at.call('POST', `${BASE}/secrets/OPENAI_API_KEY/rotate`, {
      as,
      body: {},
      headers: { origin: at.url },
    });
    expect(waiting.body.code).toBe('KT_NEEDS_PERSON');
    const { page } = await openPage(at, { as });
    await page.goto('/admin/rotations');
    await page.getByRole('heading', { name: 'Needs you' }).waitFor();
    await page.getByRole('button', { name: 'Give a value' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('link', { name: 'Open OpenAI' }).waitFor();
    const next = 'sk-proj-nextT3BlbkFJnext0123456789abc';
    openai.addKey(next);
    await dialog.getByLabel('The new value').fill(next);
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
    await dialog.getByText('version 2 is in use').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await expect.poll(() => page.getByRole('heading', { name: 'Needs you' }).count()).toBe(0);
  });
});
