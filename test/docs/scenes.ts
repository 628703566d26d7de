// What each document's commands need around them: what lies in the project, what stands for a placeholder, which command ends with another
// code than 0, and what is run by another test.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startPostgres } from '../support/postgres.ts';
import { openaiAnswers, stripeAnswers } from '../support/provider-answers.ts';
import { providerServer } from '../support/provider-server.ts';
import { joinAsOwner, serve } from '../support/serve.ts';
import { call } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';
import type { SessionOptions, ShellSession } from './session.ts';

export interface Prepared extends SessionOptions {
  /** Before the first command. */
  readonly begin?: (session: ShellSession) => void | Promise<void>;
  /** Before a command that has this in it. */
  readonly before?: Readonly<Record<string, (session: ShellSession) => unknown>>;
  /** What stands for a placeholder. */
  readonly replace?: readonly (readonly [
    placeholder: string,
    by: string | ((session: ShellSession) => Promise<string>),
  ])[];
  /** Codes other than 0, by a part of the command. */
  readonly codes?: Readonly<Record<string, readonly number[]>>;
  /** What is typed, by a part of the command. */
  readonly input?: Readonly<Record<string, string>>;
}

export interface Scene {
  readonly document: string;
  readonly prepare?: () => Promise<Prepared>;
  /** Commands that another test runs, or that cannot run here: where they are run or checked instead. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** True where what the document shows is compared with what comes. */
  readonly compare?: boolean;
}

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const STRIPE = 'sk_test_51Hx9Qw3Zr7Tn0Bv5Kd8Lm2';
const OPENAI = 'sk-proj-q7Xn2Vb9KdT3BlbkFJw4Rz8LmYp1Hs6Gc';
const ADMIN = 'sk-admin-xT3BlbkFJadmin0123456789';

function dotenv(session: ShellSession, name = '.env', more: Record<string, string> = {}): void {
  const values = { JWT_SECRET: STRONG, STRIPE_SECRET_KEY: STRIPE, ...more };
  const text = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(join(session.cwd, name), text.join(''));
}

/** A vault with some secrets. */
async function filled(session: ShellSession, more: Record<string, string> = {}): Promise<void> {
  dotenv(session, '.env', more);
  for (const text of ['keyturn init', 'keyturn import .env']) {
    const { code, output } = await session.run({ text });
    if (code !== 0) throw new Error(`${text}: ${output}`);
  }
}

function configure(session: ShellSession, config: object): void {
  writeFileSync(join(session.cwd, 'keyturn.config.json'), JSON.stringify(config));
}

async function committed(session: ShellSession): Promise<void> {
  await session.run({
    text: 'git init -q && printf ".keyturn/\\n.env*\\n" > .gitignore && git add -A && git commit -qm first',
  });
}

/** A server with its owner signed in and a token, as environment variables. */
async function serverVariables(): Promise<Record<string, string>> {
  const server = await serve(temporaryFolder(), {});
  const as = await joinAsOwner(server);
  const place = { project: 'default', environment: 'production' };
  const made = await call(server.url, 'POST', '/v1/tokens', {
    as,
    body: { name: 'docs', ...place, permissions: ['read', 'list'] },
  });
  await call(server.url, 'PUT', '/v1/projects/default/environments/production/secrets/STRIPE_SECRET_KEY', {
    as,
    body: { value: STRIPE },
    headers: { origin: server.url },
  });
  // Not KEYTURN_TOKEN in the environment of every command: the command itself would take it for its own.
  return { SERVER_URL: server.url, SERVER_TOKEN: made.body.token, SESSION: as };
}

const PACKAGING = 'test/package/deploy.test.ts';

export const SCENES: readonly Scene[] = [
  {
    document: 'README.md',
    compare: true,
    elsewhere: {
      'npm start ': 'test/e2e/guide.test.ts',
      'npm test ': 'scripts/test.js',
      'npm run synthetic:registration': 'test/e2e/assurance.test.ts',
      'node scripts/seed-demo-data.js': 'test/e2e/assurance.test.ts',
      'node scripts/': 'test/e2e/guide.test.ts',
    },
    prepare: async () => {
      const [stripe, openai] = await Promise.all([providerServer(stripeAnswers), providerServer(openaiAnswers)]);
      stripe.addKey(STRIPE);
      openai.addKey(OPENAI);
      openai.addKey(ADMIN);
      return {
        env: { KEYTURN_LIVE: 'on' },
        begin: (session) =>
          configure(session, {
            providers: {
              stripe: { baseUrl: stripe.url },
              openai: { baseUrl: openai.url, admin: 'OPENAI_ADMIN_KEY', project: 'p', serviceAccount: 's' },
            },
          }),
        input: { 'set STRIPE_SECRET_KEY': STRIPE },
        before: {
          'rotate OPENAI_API_KEY': async (session) => {
            await session.run({ text: 'keyturn set OPENAI_API_KEY' }, OPENAI);
            await session.run({ text: 'keyturn set OPENAI_ADMIN_KEY' }, ADMIN);
          },
        },
        codes: { 'validate:env': [0, 1], 'validate --live': [1] },
      };
    },
  },
  {
    document: 'CONTRIBUTING.md',
    elsewhere: {
      'npm start ': 'test/e2e/guide.test.ts',
      'npm test': 'scripts/test.js',
      'npm run bench': 'bench/bench.ts',
      'npm run soak': 'test/soak/soak.test.ts',
      'npm run fuzz': 'test/fuzz/corpus.test.ts',
      'npm run reference': 'test/docs/reference.test.ts',
    },
  },
  {
    document: 'docs/tutorial.md',
    prepare: async () => ({
      codes: {
        'rotate STRIPE_SECRET_KEY': [4],
        'keyturn validate': [0, 1],
        'keyturn monitor': [0, 1],
      },
    }),
  },
  {
    document: 'docs/guides/nextjs-vercel.md',
    prepare: async () => ({
      before: {
        'run dev': (session) => dotenv(session),
        'set VERCEL_TOKEN': (session) =>
          writeFileSync(join(session.cwd, 'vercel-token.txt'), 'vcp_q7Xn2Vb9Kd4Rz8LmYp1Hs6Gc'),
      },
    }),
  },
  {
    document: 'docs/guides/supabase.md',
    prepare: async () => ({
      begin: (session) =>
        writeFileSync(
          join(session.folder, 'supabase.env'),
          `SUPABASE_SERVICE_ROLE_KEY=sb_secret_Example4nQ2xW9kLpZr7Tn0\nSUPABASE_ACCESS_TOKEN=sbp_${'a1'.repeat(20)}\nDATABASE_URL=postgres://app_a:pw@127.0.0.1:1/app\nPOSTGRES_ADMIN_URL=postgres://admin:pw@127.0.0.1:1/app\n`,
        ),
    }),
  },
  {
    document: 'docs/guides/github-actions.md',
    prepare: async () => {
      const { SERVER_URL = '', ...env } = await serverVariables();
      return {
        env,
        replace: [['$KEYTURN_URL', SERVER_URL]],
        begin: (session) => filled(session),
        codes: { 'scan --index': [0, 1] },
      };
    },
  },
  {
    document: 'docs/guides/from-dotenv.md',
    prepare: async () => ({
      begin: async (session) => {
        await committed(session);
        dotenv(session);
        dotenv(session, '.env.production', { ONLY_HERE: 'one value of production' });
        writeFileSync(join(session.folder, 'server.js'), 'if (!process.env.JWT_SECRET) process.exit(1);');
      },
      codes: { 'list --diff': [0, 1] },
    }),
  },
  { document: 'docs/guides/from-doppler.md' },
  { document: 'docs/guides/from-vault.md' },
  {
    document: 'docs/deploy.md',
    elsewhere: {
      'npm install --prefix /opt/keyturn': 'test/package/nodes.test.ts',
      'install -d -m 0700 /etc/keyturn': PACKAGING,
      '/opt/keyturn/node_modules/.bin/keyturn keys generate': PACKAGING,
      'install -m 0644': PACKAGING,
      'systemctl enable': PACKAGING,
      'docker build': PACKAGING,
      'docker run': PACKAGING,
      'kubectl ': PACKAGING,
    },
  },
  {
    document: 'docs/alerts.md',
    prepare: async () => ({
      begin: (session) => filled(session, { DATABASE_PASSWORD: 'changeme', MONITOR_EMPLOYEE_PASSWORD: 'changeme' }),
      replace: [
        [
          'alert-1f0c…',
          async (session) =>
            /alert-[0-9a-f-]+/.exec((await session.run({ text: 'keyturn alerts --json' })).output)?.[0] ?? 'none',
        ],
      ],
      codes: { 'keyturn alerts': [0, 1] },
    }),
  },
  {
    document: 'docs/destinations.md',
    prepare: async () => ({
      begin: async (session) => {
        configure(session, {
          destinations: {
            local: { kind: 'dotenv', path: '.env.local', secrets: ['*'] },
            vercel: { kind: 'dotenv', path: '.env.vercel', secrets: ['JWT_SECRET'] },
          },
        });
        await filled(session);
      },
      replace: [[' [NAME…]', '']],
    }),
  },
  {
    document: 'docs/environment.md',
    elsewhere: { 'keyturn env validate --vercel': 'test/validation/environment.test.ts' },
    prepare: async () => ({
      begin: async (session) => {
        await filled(session);
        dotenv(session, '.env.production');
      },
      codes: { validate: [0, 1] },
    }),
  },
  {
    document: 'docs/journeys.md',
    elsewhere: {
      'npm run synthetic:': 'test/e2e/assurance.test.ts',
      'keyturn synthetic run': 'test/e2e/assurance.test.ts',
    },
    prepare: async () => ({ begin: (session) => filled(session) }),
  },
  {
    document: 'docs/kms.md',
    elsewhere: { 'keyturn init --kms': 'test/e2e/kms.test.ts', 'keyturn keys': 'test/e2e/kms.test.ts' },
  },
  {
    document: 'docs/leaks.md',
    elsewhere: { 'docker logs': 'test/e2e/scan.test.ts' },
    prepare: async () => ({
      begin: async (session) => {
        await filled(session);
        mkdirSync(join(session.folder, 'src'));
        writeFileSync(join(session.folder, 'src', 'app.ts'), 'export const name = "shop";\n');
        await committed(session);
      },
    }),
  },
  {
    document: 'docs/postgres.md',
    elsewhere: { 'psql ': 'test/e2e/migrate.test.ts', 'npx keyturn migrate --app-role': 'test/e2e/migrate.test.ts' },
    prepare: async () => {
      const postgres = await startPostgres();
      onTestFinished(() => postgres.stop());
      return {
        env: { SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
        begin: (session) => filled(session),
        before: {
          'migrate --to sqlite': (session) =>
            session.run({ text: 'mv .keyturn/keyturn.db .keyturn/before.db; rm -f .keyturn/keyturn.db-*' }),
        },
        replace: [['postgres://keyturn:…@db.example:5432/keyturn', postgres.url]],
      };
    },
  },
  {
    document: 'docs/rotation.md',
    prepare: async () => ({ begin: (session) => filled(session), codes: { compromise: [0, 4] } }),
  },
  {
    document: 'docs/server.md',
    elsewhere: { 'npx keyturn serve': 'test/e2e/servers.test.ts' },
    prepare: async () => {
      const { SERVER_URL = '', SERVER_TOKEN = '', SESSION = '' } = await serverVariables();
      return {
        replace: [
          ['http://127.0.0.1:4780', SERVER_URL],
          ['$KEYTURN_TOKEN', SERVER_TOKEN],
          ['cookie: …"', `cookie: ${SESSION}" -H "origin: ${SERVER_URL}" --fail-with-body`],
        ],
      };
    },
  },
];
