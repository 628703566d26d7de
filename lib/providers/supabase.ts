// Supabase: secret keys (sb_secret_…) of a project, made and deleted by the Management API.
import { FORMATS } from '../catalog/formats.ts';
import { itemsIn, required, setting, succeeded, usualResult } from './answers.ts';
import { type Call, type CheckResult, type Issuer, NotOfferedError, type Provider, ProviderError } from './provider.ts';

const TITLE = 'Supabase';
const URL_NAME = 'NEXT_PUBLIC_SUPABASE_URL';

/** The project's own address: configured, or the setting that the application uses. */
function projectUrl(call: Call): string | undefined {
  const url = typeof call.settings.url === 'string' ? call.settings.url : call.beside[URL_NAME];
  return url === undefined || !URL.canParse(url) ? undefined : url.replace(/\/$/, '');
}

async function check(call: Call, value: string): Promise<CheckResult> {
  const url = projectUrl(call);
  if (url === undefined) {
    return { status: 'unreachable', detail: `which project it is of is not known: set ${URL_NAME}` };
  }
  const headers = { apikey: value, ...(value.startsWith('eyJ') && { authorization: `Bearer ${value}` }) };
  const answer = await call.http.send({ url: `${url}/rest/v1/`, headers });
  return usualResult(TITLE, answer, call.now, { code: ['code', 'error'] });
}

/** The reference is the first label of the project's address. */
function keysUrl(call: Call): string {
  const { ref } = call.settings;
  const url = projectUrl(call);
  const name = typeof ref === 'string' ? ref : url && new URL(url).hostname.split('.')[0];
  return `${call.baseUrl}/v1/projects/${encodeURIComponent(name ?? setting(TITLE, call.settings, 'ref'))}/api-keys`;
}

async function keys(call: Call, admin: string, reveal: boolean): Promise<Record<string, unknown>[]> {
  const headers = { authorization: `Bearer ${admin}` };
  const answer = await call.http.send({ url: `${keysUrl(call)}?reveal=${reveal}`, headers });
  return itemsIn(succeeded(TITLE, 'the list of keys', answer, call.now, 'code'), '');
}

const secretKeys: Issuer = {
  how: 'issued',
  async issue(call, admin, marker) {
    const answer = await call.http.send({
      method: 'POST',
      url: `${keysUrl(call)}?reveal=true`,
      headers: { authorization: `Bearer ${admin}` },
      // Names are 4 to 64 of a-z, 0-9 and _ (the Management API's own schema).
      json: { type: 'secret', name: nameOf(marker), description: 'made by Keyturn' },
    });
    const made = succeeded(TITLE, 'a new key', answer, call.now, 'code');
    return { value: Buffer.from(required(TITLE, made, 'api_key'), 'utf8'), externalId: required(TITLE, made, 'id') };
  },
  async forget(call, admin, marker) {
    const left = (await keys(call, admin, false)).filter((one) => one.name === nameOf(marker));
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId, value }) {
    if (value.startsWith('eyJ')) {
      throw new NotOfferedError('a legacy key cannot be ended alone: disable legacy keys once nothing uses them');
    }
    if (externalId === undefined) throw new ProviderError('Supabase does not list the old key', { passing: false });
    const answer = await call.http.send({
      method: 'DELETE',
      url: `${keysUrl(call)}/${encodeURIComponent(externalId)}`,
      headers: { authorization: `Bearer ${admin}` },
    });
    if (answer.status !== 404) succeeded(TITLE, 'the end of the old key', answer, call.now, 'code');
  },
  async find(call, admin, value) {
    const found = (await keys(call, admin, true)).find((one) => one.api_key === value);
    return found === undefined ? undefined : String(found.id);
  },
};

function nameOf(marker: string): string {
  return marker
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, 64);
}

export const supabase: Provider = {
  id: 'supabase',
  title: TITLE,
  docs: 'https://supabase.com/docs/guides/api/api-keys',
  baseUrl: 'https://api.supabase.com',
  atATime: 2,
  kinds: {
    database_key: {
      title: 'secret key',
      formats: FORMATS.supabaseKey,
      beside: [URL_NAME],
      check,
      renewal: secretKeys,
      adminWords: 'a personal access token (sbp_…)',
      byHand: {
        page: 'https://supabase.com/dashboard/project/_/settings/api-keys',
        words: 'Create another secret key and paste it here; delete the old one after its grace.',
      },
    },
  },
  unconfirmed: [],
};
