// Oversight and access in the console: alerts, the audit log, an incident from its beginning to its end, people, tokens, the
// second factor, passkeys, and what waits for a second person.
import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { noBrowser, openPage } from '../../support/browser.ts';
import { emptyScene, furnishedScene, put } from '../../support/console-vault.ts';
import { BASE, colleague, OWNER, owner, redeemLink, signIn, testServer } from '../../support/server.ts';

/** RFC 6238, as authenticator apps do it: SHA-1, six digits, half minutes. */
function totp(secret: string, at: number): string {
  const bits = [...secret.replace(/=+$/, '')]
    .map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describe.skipIf(noBrowser)('oversight in the console', () => {
  it('alerts are acknowledged, muted with a reason, and taken back', async () => {
    const { at, as } = await furnishedScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/alerts');
    const first = page.getByRole('article').first();
    const what = (await first.getAttribute('aria-label')) ?? '';
    await first.getByRole('button', { name: 'I deal with it' }).click();
    await expect.poll(() => page.getByRole('article', { name: what, exact: true }).count()).toBe(0);
    await page.getByRole('article').first().getByRole('button', { name: 'Mute' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('Known, and dealt with next week');
    await dialog.getByRole('button', { name: 'Mute' }).click();
    await expect.poll(() => dialog.count()).toBe(0);
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'Acknowledged' }).click();
    const mine = page.getByRole('article', { name: what, exact: true });
    await mine.getByText(`${OWNER.email} deals with it`).waitFor();
    await mine.getByRole('button', { name: 'Take that back' }).click();
    await expect.poll(() => mine.count()).toBe(0);
  });

  it('the audit log is filtered, shown in detail, and verified', async () => {
    const { at, as } = await furnishedScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/audit');
    await page.getByLabel('Secret', { exact: true }).fill('STRIPE_WEBHOOK_SECRET');
    await page.getByRole('button', { name: 'Filter' }).click();
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'JWT_SECRET' }).count()).toBe(0);
    await page.getByRole('row').filter({ hasText: 'STRIPE_WEBHOOK_SECRET' }).first().waitFor();
    await page.getByRole('button', { name: 'Details' }).first().click();
    await page.getByRole('dialog').getByText(OWNER.email).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Intact: every entry is as it was written.').waitFor();
    await page.getByText('Complete: nothing is missing').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV' }).click();
    expect((await download).suggestedFilename()).toBe('keyturn-audit.csv');
  });

  it('a value in wrong hands: turned at once, then the guide’s procedure step by step, to the end', async () => {
    const scene = await emptyScene();
    const { at, as } = scene;
    await put(scene, 'JWT_SECRET', 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf');
    const { page } = await openPage(at, { as });
    await page.goto('/admin/secrets/JWT_SECRET');
    await page.getByRole('button', { name: 'Actions' }).first().click();
    await page.getByRole('menuitem', { name: 'It is in wrong hands' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What happened').fill('Pushed to a public repository');
    await dialog.getByRole('button', { name: 'Turn it now' }).click();
    await page.waitForURL('**/admin/incidents/**');
    await page.getByRole('listitem', { name: 'Rotate the compromised secret' }).getByText('Turned').waitFor();
    for (const step of ['access logs', 'depends on it', 'security team']) {
      const item = page.getByRole('listitem').filter({ hasText: step });
      await item.getByRole('button', { name: 'Done' }).click();
      await expect.poll(() => item.getByRole('button', { name: 'Done' }).count()).toBe(0);
    }
    await page.getByLabel('A line for the timeline').fill('The key was taken out of the repository.');
    await page.getByRole('button', { name: 'Close the incident' }).click();
    await page.getByText('Closed').first().waitFor();
    const { body } = await at.call('GET', '/v1/incidents', { as });
    expect(body.incidents[0].closedBy).toBe(OWNER.email);
  });
});

describe.skipIf(noBrowser)('access in the console', () => {
  it('somebody is invited by a link that is shown once, accepts it, and sees what their role shows', async () => {
    const { at, as } = await emptyScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/access');
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Email').fill('ruth@example.com');
    await dialog.getByRole('button', { name: 'Invite somebody' }).click();
    const link = (await page.getByTestId('shown-once').textContent()) ?? '';
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByText('ruth@example.com').waitFor();
    await redeemLink(at, link, { name: 'Ruth', password: OWNER.password });
    const reader = await openPage(at, { as: await signIn(at, 'ruth@example.com', OWNER.password) });
    await reader.page.goto('/admin/secrets');
    await reader.page.getByText('There are no secrets in development yet').waitFor();
    expect(await reader.page.getByRole('button', { name: 'Add a secret' }).count()).toBe(0);
    await reader.page.goto('/admin/audit');
    await reader.page.getByText('Your role does not show you this').waitFor();
  });

  it('a machine token is shown once, and revoked', async () => {
    const scene = await emptyScene();
    await put(scene, 'JWT_SECRET', 'a value');
    const { page } = await openPage(scene.at, { as: scene.as });
    await page.goto('/admin/access');
    await page.getByRole('tab', { name: 'Machine tokens' }).click();
    await page.getByText('No program has a token yet').waitFor();
    await page.getByRole('button', { name: 'Make a token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What it is for').fill('Web server');
    await dialog.getByRole('button', { name: 'Make a token' }).click();
    const made = (await page.getByTestId('shown-once').textContent()) ?? '';
    const read = () => scene.at.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: made });
    expect((await read()).body.value).toBe('a value');
    await page.getByRole('button', { name: 'I have it' }).click();
    expect(await page.content()).not.toContain(made);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked').waitFor();
    expect((await read()).status).toBe(401);
  });

  it('a second factor is turned on by a QR code or its text, and asked for when signing in', async () => {
    const { at, as } = await emptyScene();
    const { page } = await openPage(at, { as });
    await page.goto('/admin/account');
    await page.getByRole('button', { name: 'Turn on' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Password' }).fill(OWNER.password);
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByRole('img', { name: 'The secret as a QR code' }).waitFor();
    const secret = (await dialog.locator('code').first().textContent()) ?? '';
    await dialog.getByLabel('Code of your authenticator').fill(totp(secret, Date.now()));
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await page.getByText('The second factor is on.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.waitForURL(/sign-in/);
    await page.getByLabel('Email').fill(OWNER.email);
    await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByLabel('Code of your authenticator').fill(totp(secret, Date.now()));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Overview of development' }).waitFor();
  });

  it('what wants two people waits for the second one, who decides here', async () => {
    const scene = await emptyScene();
    const { at, as } = scene;
    await put(scene, 'JWT_SECRET', 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf');
    const second = await colleague(at, as, 'second@example.com', { role: 'admin' });
    const { page } = await openPage(at, { as });
    await page.goto('/admin/settings/vault');
    const demand = page.getByRole('switch', { name: 'Demand two people in default/development' });
    await demand.click({ force: true });
    await expect.poll(() => demand.isChecked()).toBe(true);
    await page.goto('/admin/secrets/JWT_SECRET');
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
    await dialog.getByRole('alert').waitFor();
    const other = await openPage(at, { as: second });
    await other.page.goto('/admin/access');
    await other.page.getByRole('tab', { name: 'Approvals' }).click();
    await other.page.getByRole('button', { name: 'Approve' }).click();
    await other.page.getByText('Approved by second@example.com').waitFor();
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
    await dialog.getByText('version 2 is in use').waitFor();
  });
});

/** A port that is free now: the address that people see has to be known before the server listens. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

it.skipIf(noBrowser)('a passkey is made in the browser, and signs in without a password', async () => {
  const port = await freePort();
  // A passkey belongs to a name, not to an address.
  const url = `http://localhost:${port}`;
  const at = await testServer({ port, publicUrl: url });
  const as = await owner({ ...at, url });
  const { page, context } = await openPage({ ...at, url }, { as });
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto('/admin/account');
  await page.getByText('You have none yet.').waitFor();
  await page.getByLabel('Name of this device').fill('Laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('Laptop').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.waitForURL(/sign-in/);
  await page.getByRole('button', { name: 'With a passkey' }).click();
  await page.getByRole('heading', { name: 'Overview of development' }).waitFor();
});
