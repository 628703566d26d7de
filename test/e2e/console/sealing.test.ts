// Values are encrypted in the browser: the whole traffic and every byte of the database are searched for what was typed, in
// every form that it might have on the way. A reveal is searched the same way back. A vault with another signing key is told.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noBrowser, openPage } from '../../support/browser.ts';
import { emptyScene, put, type Scene } from '../../support/console-vault.ts';
import { BASE, OWNER, token } from '../../support/server.ts';

const TYPED = 'Zq7-Xn2_Vb9Kd4Tw8Rz1-typed-in-the-browser';
const IMPORTED = 'Hs5-Lp1_Zk8Qw3Xn6-dropped-as-a-file';
const ROTATED = 'Rt4-Lx9_Qv2Bn7Kd1-pasted-to-rotate';

/** The forms in which a value could be found: as it is, encoded, and in JSON. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  return [value, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), bytes.toString('hex')];
}

function traceOf(values: readonly string[], text: string): string[] {
  return values.flatMap(formsOf).filter((form) => text.includes(form));
}

/** A proxy between browser and server that keeps every byte, both ways. */
async function recordingProxy(scene: Scene): Promise<{ url: string; recorded: () => string }> {
  const parts: Buffer[] = [];
  const target = new URL(scene.at.url);
  const server = createServer((request, response) => {
    parts.push(Buffer.from(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n`));
    const { hostname, port } = target;
    const onward = httpRequest(
      { hostname, port, method: request.method, path: request.url, headers: request.headers },
      (answer) => {
        parts.push(Buffer.from(`${answer.statusCode}\n${answer.rawHeaders.join('\n')}\n`));
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (chunk: Buffer) => parts.push(chunk));
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, recorded: () => Buffer.concat(parts).toString('latin1') };
}

/** Every byte of every file of the vault, its write-ahead log and its backups. */
function filesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name)).toString('latin1'))
    .join('');
}

describe.skipIf(noBrowser)('sealing', () => {
  it('leaves no trace of a value in the traffic, the log, the database or a backup', async () => {
    const scene = await emptyScene();
    await put(scene, 'RESEND_WEBHOOK_SECRET', 'whsec_before0123456789');
    const proxy = await recordingProxy(scene);
    const { page, trouble } = await openPage({ ...scene.at, url: proxy.url }, { as: scene.as });
    await page.goto('/admin/secrets');
    await page.getByRole('button', { name: 'Add a secret' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('JWT_SECRET');
    await dialog.getByLabel('Value').fill(TYPED);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('JWT_SECRET was added.').waitFor();

    await page.goto('/admin/import');
    await page.getByLabel('Or paste its text').fill(`DROPPED_KEY=${IMPORTED}\n`);
    await page.getByRole('button', { name: 'Read it' }).click();
    await page.getByRole('button', { name: 'Import 1 secret' }).click();
    await page.getByText('1 secret is in development now').waitFor();

    await page.goto('/admin/secrets/RESEND_WEBHOOK_SECRET');
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByRole('dialog').getByLabel('The new value').fill(ROTATED);
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByRole('dialog').getByText('version 2 is in use').waitFor();

    // The vault has them all.
    const program = await token(scene.at, scene.as);
    const { body } = await scene.at.call('GET', `${BASE}/values`, { as: program });
    const values = body.secrets.map((one: { value: string }) => one.value);
    expect(values).toEqual(expect.arrayContaining([TYPED, IMPORTED, ROTATED]));

    const all = [TYPED, IMPORTED, ROTATED];
    expect(proxy.recorded()).toContain('"sealed"');
    expect(traceOf(all, proxy.recorded()), 'in the traffic').toEqual([]);
    expect(traceOf(all, scene.at.log.join('')), 'in the server’s log').toEqual([]);
    expect(traceOf(all, filesOf(scene.at.folder)), 'in the database').toEqual([]);
    expect(trouble).toEqual([]);
  });

  it('reveals the same way back: sealed to the page, after a fresh sign-in, for half a minute', async () => {
    const scene = await emptyScene();
    await put(scene, 'JWT_SECRET', TYPED);
    const proxy = await recordingProxy(scene);
    const { page } = await openPage({ ...scene.at, url: proxy.url }, { as: scene.as });
    await page.clock.install();
    await page.goto('/admin/secrets/JWT_SECRET');
    scene.at.clock.now = Date.now() + 10 * 60_000;
    await page.getByRole('button', { name: 'Reveal' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why you need it').fill('Comparing with the dashboard');
    await dialog.getByRole('button', { name: 'Reveal' }).click();
    await dialog.getByText('signed in a moment ago').waitFor();
    // The sign-in is real time; the vault's clock comes back to it.
    scene.at.clock.now = Date.now();
    await dialog.getByRole('textbox', { name: 'Password' }).fill(OWNER.password);
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect.poll(() => page.getByTestId('revealed').textContent()).toBe(TYPED);
    await dialog.getByRole('button', { name: 'Copy' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(TYPED);
    await page.clock.fastForward(31_000);
    await expect.poll(() => page.getByTestId('revealed').count()).toBe(0);
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe('');
    expect(proxy.recorded()).toContain('"ciphertext"');
    expect(traceOf([TYPED], proxy.recorded()), 'in the traffic').toEqual([]);
    expect(traceOf([TYPED], scene.at.log.join('')), 'in the server’s log').toEqual([]);
    const log = await scene.at.call('GET', '/v1/audit?action=secret.read&outcome=ok', {
      as: (await page.context().cookies()).map((one) => `${one.name}=${one.value}`).join('; '),
    });
    expect(log.body.entries[0]).toMatchObject({
      secret: 'JWT_SECRET',
      details: { purpose: 'reveal', reason: 'Comparing with the dashboard' },
    });
  });

  it('sends nothing to a vault with another signing key, until a person has said that it is the same', async () => {
    const scene = await emptyScene();
    const { page } = await openPage(scene.at, { as: scene.as });
    await page.goto('/admin/settings/vault');
    const fingerprint = await page.getByTestId('fingerprint').textContent();
    expect(fingerprint).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
    // As if the browser had known the vault by another key.
    await page.evaluate(`for (const key of Object.keys(localStorage).filter((one) => one.startsWith('keyturn.vault.')))
      localStorage.setItem(key, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')`);
    await page.goto('/admin/secrets');
    await page.getByRole('button', { name: 'Add a secret' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('JWT_SECRET');
    await dialog.getByLabel('Value').fill(TYPED);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByText('another signing key').waitFor();
    await expect.poll(() => dialog.getByRole('alert').textContent()).toContain(fingerprint);
    const listed = await scene.at.call('GET', `${BASE}/secrets`, { as: scene.as });
    expect(listed.body.secrets).toEqual([]);
    await dialog.getByRole('button', { name: 'trust this vault' }).click();
    // What was typed is still there.
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('JWT_SECRET was added.').waitFor();
  });

  it('seals anew where the vault has changed its intake key since the page fetched it', async () => {
    const scene = await emptyScene();
    const { page } = await openPage(scene.at, { as: scene.as });
    let refused = 0;
    await page.route('**/secrets/JWT_SECRET', async (route) => {
      refused += 1;
      if (refused > 1) return route.continue();
      const problem = { code: 'KT_INTAKE_KEY_GONE', detail: 'gone', status: 409, title: 'x', type: 'x', instance: 'x' };
      return route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) });
    });
    await page.goto('/admin/secrets');
    await page.getByRole('button', { name: 'Add a secret' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('JWT_SECRET');
    await dialog.getByLabel('Value').fill(TYPED);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('JWT_SECRET was added.').waitFor();
    expect(refused).toBe(2);
  });
});
