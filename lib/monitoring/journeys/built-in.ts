// The journeys that come with Keyturn: registration on a Keyturn server, the employee's workspace, the outreach runner.
import { type Journey, type JourneyContext, JourneyError } from './journey.ts';

const PLACE = '/v1/projects/default/environments/development';

async function signIn({ http }: JourneyContext, email: string, password: string): Promise<void> {
  (await http.post('/api/auth/sign-in/email', { email, password })).expect(200);
}

/** Whoever invites the synthetic user: somebody who may invite and remove people. */
function inviter(context: JourneyContext): { email: string; password: string } {
  const email = context.optionalSecret('SYNTHETIC_ADMIN_EMAIL') ?? context.optionalSecret('MONITOR_EMPLOYEE_EMAIL');
  const password =
    context.optionalSecret('SYNTHETIC_ADMIN_PASSWORD') ?? context.optionalSecret('MONITOR_EMPLOYEE_PASSWORD');
  if (email !== undefined && password !== undefined) return { email, password };
  throw new JourneyError(
    'SYNTHETIC_ADMIN_EMAIL and SYNTHETIC_ADMIN_PASSWORD are not set: registration on a Keyturn server begins with an invitation. For another application, declare journeys/registration.ts.',
    true,
  );
}

function made(context: JourneyContext, name: string): string {
  const value = context.state[name];
  if (typeof value !== 'string') throw new JourneyError(`an earlier step has not made the ${name}`);
  return value;
}

/** Nothing that a run makes is that of another run. */
function fresh(context: JourneyContext): void {
  const id = crypto.randomUUID();
  context.state.email = `synthetic-${id.slice(0, 8)}@journey.invalid`;
  context.state.password = `${id}-Aa1!`;
  context.state.secretName = `SYNTHETIC_${id.slice(0, 8).toUpperCase()}`;
  context.state.value = `synthetic ${crypto.randomUUID()}`;
  for (const name of ['password', 'value']) context.hide(made(context, name));
}

const registration: Journey = {
  name: 'registration',
  description: 'register, sign in, store and read a value, clean up',
  steps: [
    {
      name: 'the server is ready',
      run: async ({ http }) => {
        (await http.get('/readyz')).expect(200);
      },
    },
    {
      name: 'register',
      // A second try would invite a second time.
      retries: 0,
      run: async (context) => {
        fresh(context);
        const { email, password } = inviter(context);
        await signIn(context, email, password);
        const body = { email: made(context, 'email'), role: 'admin' };
        const invited = (await context.http.post('/v1/invitations', body)).expect(201);
        const link = String(invited.json?.link ?? '').split('#')[1] ?? '';
        context.hide(link);
        context.http.forget();
        const person = { link, name: 'Synthetic journey', password: made(context, 'password') };
        (await context.http.post('/v1/join', person)).expect(201);
      },
    },
    {
      name: 'sign in',
      run: async (context) => {
        context.http.forget();
        await signIn(context, made(context, 'email'), made(context, 'password'));
      },
    },
    {
      name: 'store a value',
      run: async (context) => {
        const path = `${PLACE}/secrets/${made(context, 'secretName')}`;
        const value = made(context, 'value');
        (await context.http.request('PUT', path, { json: { value }, headers: { 'if-match': '*' } })).expect(200, 201);
      },
    },
    {
      name: 'read it back',
      run: async (context) => {
        const answer = (await context.http.get(`${PLACE}/secrets/${made(context, 'secretName')}`)).expect(200);
        if (answer.json?.value !== made(context, 'value'))
          throw new JourneyError('it is not the value that was stored');
      },
    },
    {
      name: 'take the value away',
      always: true,
      run: async (context) => {
        if (context.state.secretName === undefined) return;
        (await context.http.request('DELETE', `${PLACE}/secrets/${made(context, 'secretName')}`)).expect(
          200,
          204,
          401,
          404,
        );
      },
    },
    {
      name: 'take the user away',
      always: true,
      run: async (context) => {
        if (context.state.email === undefined) return;
        const { email, password } = inviter(context);
        context.http.forget();
        await signIn(context, email, password);
        const { people } = ((await context.http.get('/v1/people')).expect(200).json ?? {}) as {
          people?: { id: string; email: string }[];
        };
        const own = people?.find((one) => one.email === made(context, 'email'));
        if (own) (await context.http.request('DELETE', `/v1/people/${own.id}`)).expect(200, 204);
      },
    },
  ],
};

const employeeWorkspace: Journey = {
  name: 'employee-workspace',
  description: 'an employee signs in, in a real browser, and sees the workspace (MONITOR_EMPLOYEE_EMAIL, …_PASSWORD)',
  steps: [
    {
      name: 'open the sign-in page',
      run: async ({ page, baseUrl }) => {
        const tab = await page();
        await tab.goto(`${baseUrl}/admin`);
        await tab.getByLabel('Email').waitFor();
      },
    },
    {
      name: 'sign in',
      run: async ({ page, secret }) => {
        const tab = await page();
        await tab.getByLabel('Email').fill(secret('MONITOR_EMPLOYEE_EMAIL'));
        await tab.getByRole('textbox', { name: 'Password' }).fill(secret('MONITOR_EMPLOYEE_PASSWORD'));
        await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
        await tab.getByRole('navigation').first().waitFor();
      },
    },
    {
      name: 'see the secrets',
      run: async ({ page, baseUrl }) => {
        const tab = await page();
        await tab.goto(`${baseUrl}/admin/secrets`);
        await tab.getByRole('heading', { name: 'Secrets' }).waitFor();
      },
    },
  ],
};

const outreachRunner: Journey = {
  name: 'outreach-runner',
  description:
    "calls the application's outreach runner (OUTREACH_RUNNER_URL; OUTREACH_RUNNER_TOKEN as a bearer, if set)",
  steps: [
    {
      name: 'call the runner',
      timeoutMs: 60_000,
      run: async ({ http, secret, optionalSecret }) => {
        const url = secret('OUTREACH_RUNNER_URL');
        if (!URL.canParse(url)) throw new JourneyError('OUTREACH_RUNNER_URL is no address.', true);
        const token = optionalSecret('OUTREACH_RUNNER_TOKEN');
        const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
        (await http.post(url, { source: 'synthetic' }, { headers })).expect(200, 201, 202, 204);
      },
    },
  ],
};

export const BUILT_IN: readonly Journey[] = [registration, employeeWorkspace, outreachRunner];
