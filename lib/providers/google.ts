// Google: the secret of an OAuth client. Two may be valid at once; only a person can make one.
import { FORMATS } from '../catalog/formats.ts';
import { codeIn, commonResult } from './answers.ts';
import type { Call, CheckResult, Provider } from './provider.ts';

const ID_NAME = 'GOOGLE_CLIENT_ID';

/** Asks to exchange a made-up code: a client that is known is told that the code is wrong (RFC 6749, 5.2). */
async function check(call: Call, value: string): Promise<CheckResult> {
  const id = typeof call.settings.clientId === 'string' ? call.settings.clientId : call.beside[ID_NAME];
  if (id === undefined) return { status: 'unreachable', detail: `which client it is of is not known: set ${ID_NAME}` };
  const answer = await call.http.send({
    method: 'POST',
    repeatable: true,
    url: `${call.baseUrl}/token`,
    form: {
      grant_type: 'authorization_code',
      code: 'keyturn-check',
      redirect_uri: 'http://localhost',
      client_id: id,
      client_secret: value,
    },
  });
  const common = commonResult('Google', answer, call.now);
  if (common) return common;
  const code = codeIn(answer, 'error');
  if (code === 'invalid_grant' || code === 'redirect_uri_mismatch') {
    return { status: 'valid', detail: `Google knows the client (it refuses only the made-up code: ${code})` };
  }
  if (code === 'invalid_client') return { status: 'refused', detail: 'Google refuses it (invalid_client)' };
  if (code === 'unauthorized_client') {
    return { status: 'restricted', detail: 'Google accepts it, but it may not do this (unauthorized_client)' };
  }
  return { status: 'unreachable', detail: `Google answers in a way that is not known here (${code ?? answer.status})` };
}

export const google: Provider = {
  id: 'google',
  title: 'Google',
  docs: 'https://developers.google.com/identity/protocols/oauth2/web-server',
  baseUrl: 'https://oauth2.googleapis.com',
  atATime: 2,
  kinds: {
    api_key: {
      title: 'OAuth client secret',
      formats: FORMATS.googleClientSecret,
      beside: [ID_NAME],
      check,
      byHand: {
        page: 'https://console.cloud.google.com/apis/credentials',
        words:
          'Open the client, add a second secret and paste it here; disable and delete the old one after its grace.',
      },
    },
  },
  unconfirmed: ['the form of GOCSPX-…', 'what the token endpoint says of a made-up code', 'two secrets a client'],
};
