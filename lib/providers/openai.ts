// OpenAI: project and service account keys, made and deleted with an admin key of the organisation.
import { FORMATS } from '../catalog/formats.ts';
import { codeIn, itemsIn, required, setting, succeeded, usualResult } from './answers.ts';
import type { Call, CheckResult, Issuer, Provider } from './provider.ts';
import { NotOfferedError } from './provider.ts';

const TITLE = 'OpenAI';
const CODES = ['error.code', 'error.type'];

function headers(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

/** GET /v1/models. A key without quota is told by 429 with a code of its own: it is valid, and cannot be used. */
async function check(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({ url: `${call.baseUrl}/v1/models`, headers: headers(value) });
  if (answer.status === 429 && codeIn(answer, ...CODES) === 'insufficient_quota') {
    return { status: 'restricted', detail: 'OpenAI accepts it, but its quota is used up (429, insufficient_quota)' };
  }
  return usualResult(TITLE, answer, call.now, { code: CODES, refused: ['invalid_api_key'] });
}

function projectUrl(call: Call): string {
  return `${call.baseUrl}/v1/organization/projects/${encodeURIComponent(setting(TITLE, call.settings, 'project'))}`;
}

async function projectKeys(call: Call, admin: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let after = '';
  for (;;) {
    const url = `${projectUrl(call)}/api_keys?limit=100${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
    const answer = await call.http.send({ url, headers: headers(admin) });
    const page = succeeded(TITLE, 'the list of keys', answer, call.now, ...CODES);
    const items = itemsIn(page, 'data');
    found.push(...items);
    const more = (page.json as { has_more?: unknown }).has_more === true;
    const last = items.at(-1)?.id;
    if (!more || typeof last !== 'string') return found;
    after = last;
  }
}

const serviceAccountKeys: Issuer = {
  how: 'issued',
  async issue(call, admin, marker) {
    const account = encodeURIComponent(setting(TITLE, call.settings, 'serviceAccount'));
    const { scopes } = call.settings;
    const answer = await call.http.send({
      method: 'POST',
      url: `${projectUrl(call)}/service_accounts/${account}/api_keys`,
      headers: headers(admin),
      json: { name: marker, ...(Array.isArray(scopes) && { scopes }) },
    });
    const made = succeeded(TITLE, 'a new key', answer, call.now, ...CODES);
    return { value: Buffer.from(required(TITLE, made, 'value'), 'utf8'), externalId: required(TITLE, made, 'id') };
  },
  async forget(call, admin, marker) {
    const left = (await projectKeys(call, admin)).filter((one) => one.name === marker);
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId }) {
    if (externalId === undefined) throw new NotOfferedError('which key of the project the old one is, is not known');
    const answer = await call.http.send({
      method: 'DELETE',
      url: `${projectUrl(call)}/api_keys/${encodeURIComponent(externalId)}`,
      headers: headers(admin),
    });
    if (answer.status !== 404) succeeded(TITLE, 'the end of the old key', answer, call.now, ...CODES);
  },
  /** The list shows each key's first and last characters: enough where only one key fits. */
  async find(call, admin, value) {
    const fitting = (await projectKeys(call, admin)).filter((one) => fitsRedacted(String(one.redacted_value), value));
    return fitting.length === 1 ? String(fitting[0]?.id) : undefined;
  },
};

/** `sk-abc********xyz` shows what a value begins and ends with. */
function fitsRedacted(redacted: string, value: string): boolean {
  const match = /^([^*.]+)[*.…]+([^*.]+)$/.exec(redacted);
  return match?.[1] !== undefined && match[2] !== undefined && value.startsWith(match[1]) && value.endsWith(match[2]);
}

export const openai: Provider = {
  id: 'openai',
  title: TITLE,
  docs: 'https://platform.openai.com/docs/api-reference/authentication',
  baseUrl: 'https://api.openai.com',
  atATime: 4,
  kinds: {
    api_key: {
      title: 'API key',
      formats: FORMATS.openaiKey,
      check,
      renewal: serviceAccountKeys,
      adminWords: 'an admin key of the organisation (sk-admin-…)',
      byHand: {
        page: 'https://platform.openai.com/api-keys',
        words: 'Create a second key in the same project and paste it here; revoke the old one after its grace.',
      },
    },
  },
  unconfirmed: [],
};
