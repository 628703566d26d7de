// A vault as a team has one after some months, for the console's tests: secrets of every kind, a provider that answers,
// rotations, alerts, an incident, people, tokens.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openaiAnswers, stripeAnswers } from './provider-answers.ts';
import { type ProviderServer, providerServer } from './provider-server.ts';
import { BASE, colleague, owner, type TestServer, testServer, token } from './server.ts';
import { temporaryFolder } from './vault.ts';

export const STRIPE = 'sk_test_51Hx9Qw3Zr7Tn0Bv5Kd8Lm2';
export const OPENAI = 'sk-proj-q7Xn2Vb9KdT3BlbkFJw4Rz8LmYp1Hs6Gc';
const DAY_MS = 24 * 60 * 60 * 1000;

export interface Scene {
  readonly at: TestServer;
  /** The owner's cookie. */
  readonly as: string;
  readonly stripe: ProviderServer;
  readonly openai: ProviderServer;
}

const SECRETS: Readonly<Record<string, string>> = {
  JWT_SECRET: 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2',
  STRIPE_SECRET_KEY: STRIPE,
  STRIPE_WEBHOOK_SECRET: 'whsec_Zk3Qw6Xn1Vb5Rt9Hs2Lp7',
  OPENAI_API_KEY: OPENAI,
  SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_Example4nQ2xW9kLpZr7Tn0',
  TELNYX_API_KEY: 'KEY0187A4Example_q7Xn2Vb9Kd',
  TELNYX_CONNECTION_ID: '1494404757140276705',
  RESEND_API_KEY: 're_7Q_x4Wn9Kd2Zb6Rt8LmExample',
  MONITOR_EMPLOYEE_PASSWORD: 'Summer2024!',
  SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/q7Xn2Vb9KdT3w4Rz8LEx',
};

/** An empty vault with its owner signed in, and providers that answer. */
export async function emptyScene(config: object = {}): Promise<Scene> {
  const folder = temporaryFolder();
  const stripe = await providerServer(stripeAnswers);
  const openai = await providerServer(openaiAnswers);
  stripe.addKey(STRIPE);
  openai.addKey(OPENAI);
  // The rest cannot be reached, as a provider that is down.
  const away = await providerServer(() => ({ status: 503, text: 'down' }));
  const down = Object.fromEntries(
    ['telnyx', 'resend', 'supabase', 'slack', 'retell', 'google'].map((id) => [id, { baseUrl: away.url }]),
  );
  const providers = { ...down, stripe: { baseUrl: stripe.url }, openai: { baseUrl: openai.url } };
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify({ providers, ...config }));
  const at = await testServer({ env: { KEYTURN_LIVE: 'on' } }, folder);
  return { at, as: await owner(at), stripe, openai };
}

export async function put(scene: Scene, name: string, value: string, more: object = {}, base = BASE): Promise<void> {
  const answer = await scene.at.call('PUT', `${base}/secrets/${name}`, {
    as: scene.as,
    body: { value, ...more },
    headers: { 'if-match': '*', origin: scene.at.url },
  });
  if (answer.status >= 300) throw new Error(`setting ${name} answered ${answer.status}: ${answer.text}`);
}

/** Some months of use in a moment. */
export async function furnishedScene(): Promise<Scene> {
  const scene = await emptyScene();
  const { at, as } = scene;
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await at.call(method, path, { as, body, headers: { origin: at.url } });
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const now = at.clock.now;
  at.clock.now = now - 120 * DAY_MS;
  for (const [name, value] of Object.entries(SECRETS)) await put(scene, name, value, { owner: 'platform' });
  for (const environment of ['staging', 'production']) {
    const base = BASE.replace('development', environment);
    await put(scene, 'JWT_SECRET', `${SECRETS.JWT_SECRET}${environment}`, {}, base);
    await put(scene, 'STRIPE_SECRET_KEY', STRIPE, {}, base);
  }
  const program = await token(at, as, { name: 'Web server', permissions: ['read', 'list'] });
  for (let day = 20; day >= 1; day -= 1) {
    at.clock.now = now - day * DAY_MS;
    for (let reads = (day * 7) % 11; reads >= 0; reads -= 1)
      await at.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: program });
    if (day % 6 === 0) await at.call('PUT', `${BASE}/secrets/JWT_SECRET`, { as: program, body: { value: 'x' } });
  }
  at.clock.now = now - 2 * 3_600_000;
  await call('POST', `${BASE}/secrets/STRIPE_WEBHOOK_SECRET/rotate`, { value: 'whsec_9Hs2Lp7Zk3Qw6Xn1Vb5Rt' });
  await call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, {});
  await call('POST', `${BASE}/checks`);
  await call('POST', `${BASE}/secrets/OPENAI_API_KEY/compromise`, { why: 'Pushed to a public repository' });
  await colleague(at, as, 'ruth@example.com', { role: 'reader', project: 'default' });
  await call('POST', '/v1/invitations', { email: 'sam@example.com', role: 'rotator', project: 'default' });
  await call('POST', '/v1/backups', {});
  at.clock.now = now;
  return scene;
}
