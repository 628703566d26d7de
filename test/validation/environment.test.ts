// The environment of an application: which files make it, what has to be there, and what is wrong with what is.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Catalog } from '../../lib/catalog/catalog.ts';
import { parseDotenv } from '../../lib/formats/dotenv.ts';
import { Http } from '../../lib/providers/http.ts';
import { checkEnvironments } from '../../lib/validation/environment/check.ts';
import { catalogueSchema, parseSchema, writeSchema } from '../../lib/validation/environment/schema.ts';
import { environmentsOf, fromFiles, fromProcess, isDotenvFile } from '../../lib/validation/environment/sources.ts';
import { fromVercel } from '../../lib/validation/environment/vercel.ts';

const catalog = new Catalog();
const letters = (count: number) => randomBytes(count).toString('hex').slice(0, count);
const file = (name: string, text: string) => ({ name, entries: parseDotenv(text).entries });
const schemaOf = (variables: string) => parseSchema(`variables:\n${variables}`, catalog);

function check(files: Record<string, string>, variables: string) {
  const sources = Object.entries(files).map(([name, text]) => file(name, text));
  const looked = environmentsOf(Object.keys(files)).map((environment) => fromFiles(environment, sources));
  const { findings } = checkEnvironments(looked, schemaOf(variables), catalog);
  return findings.map((one) => `${one.severity} ${one.rule} ${one.secret} ${one.environment}`);
}

describe('the files of an environment', () => {
  it('are layered as Next.js layers them', () => {
    const files = [
      file('.env', 'A=1\nB=1\nC=1\nD=1'),
      file('.env.local', 'B=2'),
      file('.env.production', 'C=3\nB=3'),
      file('.env.production.local', 'D=4'),
    ];
    const value = (environment: string, name: string) =>
      fromFiles(environment, files)
        .present.find((one) => one.name === name)
        ?.value?.toString();
    expect(['A', 'B', 'C', 'D'].map((name) => value('production', name))).toEqual(['1', '3', '3', '4']);
    // Tests are to be the same for everybody.
    expect(value('test', 'B')).toBe('1');
    expect(fromFiles('production', files).present.find((one) => one.name === 'C')).toMatchObject({
      file: '.env.production',
      line: 1,
    });
  });

  it('are those that hold values', () => {
    const names = [
      '.env',
      '.env.local',
      '.env.production',
      '.env.staging.local',
      '.env.example',
      '.env.vault',
      'x.env',
      '.envrc',
    ];
    expect(names.filter(isDotenvFile)).toEqual(['.env', '.env.local', '.env.production', '.env.staging.local']);
    expect(environmentsOf(['.env', '.env.local'])).toEqual(['development']);
    expect(environmentsOf(['.env', '.env.production', '.env.production.local', '.env.test'])).toEqual([
      'production',
      'test',
    ]);
  });
});

describe('what is checked', () => {
  it('presence: critical in production, by what the schema requires where', () => {
    const variables = '  A: {}\n  B: { required: [production] }\n  C: { required: false }\n';
    expect(check({ '.env.production': 'X=1', '.env.development': 'X=1' }, variables)).toEqual([
      'critical missing A production',
      'critical missing B production',
      'high missing A development',
    ]);
  });

  it('empty values, placeholders, forms and addresses', () => {
    const found = check(
      { '.env.production': `A=\nB=changeme\nSLACK_WEBHOOK_URL=nowhere\nD=abc` },
      '  A: {}\n  B: {}\n  SLACK_WEBHOOK_URL: {}\n  D: { format: "[0-9]+", secret: false }\n',
    );
    for (const one of ['critical empty A', 'high placeholder B', 'bad-url SLACK_WEBHOOK_URL', 'bad-format D'])
      expect(
        found.some((each) => each.includes(one)),
        one,
      ).toBe(true);
  });

  it('test keys in production, and live ones elsewhere', () => {
    const files = {
      '.env.production': `STRIPE_SECRET_KEY=sk_test_${letters(24)}`,
      '.env.development': `STRIPE_SECRET_KEY=sk_live_${letters(24)}`,
    };
    expect(check(files, '  STRIPE_SECRET_KEY: {}\n')).toEqual([
      'critical test-key STRIPE_SECRET_KEY production',
      'high live-key STRIPE_SECRET_KEY development',
    ]);
  });

  it('names that put a secret into the browser, by name and by value; not what is made for browsers', () => {
    const found = check(
      {
        '.env.production': [
          `NEXT_PUBLIC_STRIPE=sk_live_${letters(24)}`,
          `VITE_API_SECRET=${letters(40)}`,
          `NEXT_PUBLIC_SUPABASE_ANON_KEY=${letters(40)}`,
          `NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=pk_live_${letters(24)}`,
          'NEXT_PUBLIC_SUPABASE_URL=https://x.supabase.co',
        ].join('\n'),
      },
      '  NEXT_PUBLIC_SUPABASE_URL: {}\n',
    );
    expect(found).toEqual([
      'critical public-name NEXT_PUBLIC_STRIPE production',
      'critical public-name VITE_API_SECRET production',
    ]);
  });

  it('differences between environments, and secrets that production shares', () => {
    const shared = letters(48);
    const found = check(
      {
        '.env.production': `JWT_SECRET=${shared}\nONLY_LIVE=1`,
        '.env.staging': `JWT_SECRET=${shared}\nNODE_OPTIONS=x`,
      },
      '  JWT_SECRET: {}\n',
    );
    expect(found).toEqual([
      'high shared-environments JWT_SECRET staging',
      'low differs ONLY_LIVE staging',
      'low differs NODE_OPTIONS production',
    ]);
  });

  it('nothing where all is well', () => {
    const text = (mode: string) =>
      `JWT_SECRET=${randomBytes(48).toString('base64url')}\nSTRIPE_SECRET_KEY=sk_${mode}_${letters(24)}\n`;
    expect(
      check(
        { '.env.production': text('live'), '.env.development': text('test') },
        '  JWT_SECRET: {}\n  STRIPE_SECRET_KEY: {}\n',
      ),
    ).toEqual([]);
  });

  it('the process too, where an empty variable is none; no finding has a value', () => {
    const value = `short-${letters(6)}`;
    const looked = fromProcess('production', { JWT_SECRET: value, RESEND_API_KEY: '' });
    const { findings } = checkEnvironments([looked], catalogueSchema(catalog), catalog);
    expect(findings.find((one) => one.secret === 'RESEND_API_KEY')?.rule).toBe('missing');
    expect(findings.find((one) => one.secret === 'JWT_SECRET')).toBeDefined();
    expect(JSON.stringify(findings)).not.toContain(value);
  });
});

describe('without a schema', () => {
  it('what the guide wants in Vercel is asked for', () => {
    const names = catalogueSchema(catalog).variables.map((one) => one.name);
    for (const name of [
      ...[
        'STRIPE_SECRET_KEY',
        'STRIPE_WEBHOOK_SECRET',
        'TELNYX_API_KEY',
        'TELNYX_MESSAGING_PROFILE_ID',
        'TELNYX_CONNECTION_ID',
      ],
      ...['RETELL_API_KEY', 'RETELL_WEBHOOK_SECRET', 'NEXT_PUBLIC_SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY'],
    ])
      expect(names, name).toContain(name);
  });
});

describe('the schema', () => {
  it('that is written from a .env is read again, and has no value', () => {
    const text = writeSchema(['STRIPE_SECRET_KEY', 'NEXT_PUBLIC_SUPABASE_URL', 'SLACK_WEBHOOK_URL', 'MY_OWN'], catalog);
    const { variables } = parseSchema(text, catalog);
    expect(variables.map((one) => [one.name, one.required, one.type])).toEqual([
      ['STRIPE_SECRET_KEY', ['production'], 'api_key'],
      ['NEXT_PUBLIC_SUPABASE_URL', ['production'], 'url'],
      ['SLACK_WEBHOOK_URL', false, expect.any(String)],
      ['MY_OWN', ['production'], 'generic'],
    ]);
  });

  it.each([
    ['variables:\n  A: { requird: true }\n', /line 2: variables.A/],
    ['variables:\n  A: {}\n  B: { type: nothing }\n', /line 3: variables.B.type: there is no type "nothing"/],
    ['variables:\n  A: { format: "(" }\n', /line 2: variables.A.format: it is no regular expression/],
    ['variables: [', /line 1: it is not YAML/],
    ['', /keyturn.env.yaml, line 1/],
  ])('with a mistake names the line: %j', (text, message) => {
    expect(() => parseSchema(text, catalog)).toThrow(message);
  });
});

describe('Vercel', () => {
  async function vercel(status: number, body: unknown) {
    const asked: { url: string | undefined; authorization: string | undefined }[] = [];
    const server = createServer((request, response) => {
      asked.push({ url: request.url, authorization: request.headers.authorization });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const look = () => fromVercel({ http: new Http(), token: 'vcp_token', project: 'shop', team: 'team_1', baseUrl });
    return { asked, look };
  }

  it('says which variables are there for which target, and the values of plain ones', async () => {
    const { asked, look } = await vercel(200, {
      envs: [
        { key: 'JWT_SECRET', type: 'sensitive', target: ['production', 'preview'] },
        { key: 'NEXT_PUBLIC_SUPABASE_URL', type: 'plain', target: 'production', value: 'https://x.supabase.co' },
      ],
    });
    const looked = await look();
    expect(looked.map((one) => [one.environment, one.present.map((each) => each.name)])).toEqual([
      ['production', ['JWT_SECRET', 'NEXT_PUBLIC_SUPABASE_URL']],
      ['preview', ['JWT_SECRET']],
    ]);
    expect(asked[0]).toMatchObject({
      authorization: 'Bearer vcp_token',
      url: expect.stringContaining('/projects/shop/env'),
    });
    expect(asked[0]?.url).toContain('teamId=team_1');
    const { findings, variables } = checkEnvironments(
      looked,
      schemaOf('  JWT_SECRET: {}\n  OTHER: { required: [production] }\n'),
      catalog,
    );
    expect(variables[0]).toMatchObject({ name: 'JWT_SECRET', state: 'there' });
    expect(findings[0]).toMatchObject({ rule: 'missing', secret: 'OTHER', severity: 'critical' });
  });

  it.each([
    [403, {}, /403: the token is not good/],
    [500, {}, /answers 500/],
    [200, { nothing: true }, /another form/],
  ])('that answers %i is an error that says so', async (status, body, message) => {
    const { look } = await vercel(status, body);
    await expect(look()).rejects.toThrow(message);
  });
});
