// One call to a key management service over HTTP: with a limit in time, tried again where that helps, and errors that say
// whether the service is away or says no. What is sent and answered is never in a message.
import { KmsError } from '../../errors.ts';

const TRY_MS = 5_000;
const TRIES = 4;
const FIRST_PAUSE_MS = 200;

export interface KmsAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

/** What a status and an answer's own error code mean. */
export type Meaning = 'throttled' | 'away' | 'refused';

export interface KmsCall {
  /** For messages: "AWS KMS". */
  readonly title: string;
  readonly send: (signal: AbortSignal) => Promise<Response>;
  readonly meaningOf: (answer: KmsAnswer) => Meaning;
  /** The answer's own error code, for messages; never its text. */
  readonly codeOf: (answer: KmsAnswer) => string | undefined;
}

/** @throws KmsError KT_KMS_UNAVAILABLE where it is away, slow or throttles; KT_KMS_REFUSED where it says no */
export async function callKms(call: KmsCall): Promise<KmsAnswer['json']> {
  let last = '';
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const answer = await tryOnce(call);
    if (typeof answer === 'string') last = answer;
    else if (answer.status === 200) return answer.json;
    else {
      const code = call.codeOf(answer);
      const said = `it answers ${answer.status}${code ? ` (${code})` : ''}`;
      const meaning = call.meaningOf(answer);
      if (meaning === 'refused') throw refused(call.title, said);
      last = meaning === 'throttled' ? `it throttles: ${said}` : said;
    }
    if (tries < TRIES) await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tries - 1)));
  }
  throw new KmsError(
    'KT_KMS_UNAVAILABLE',
    `${call.title} did not open or wrap the root key: ${last}.`,
    'Try again when it answers; the vault is as it was.',
  );
}

function refused(title: string, said: string): KmsError {
  return new KmsError(
    'KT_KMS_REFUSED',
    `${title} refuses: ${said}.`,
    'Check the key, its state, and what the credentials may do with it.',
  );
}

async function tryOnce(call: KmsCall): Promise<KmsAnswer | string> {
  try {
    const response = await call.send(AbortSignal.timeout(TRY_MS));
    const text = await response.text();
    return { status: response.status, json: jsonOf(text) };
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: { code?: string } };
    return name === 'TimeoutError'
      ? `it took longer than ${TRY_MS} ms`
      : `it cannot be reached (${cause?.code ?? name})`;
  }
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A proxy's page, or nothing: the status says what there is to say.
    return {};
  }
}

/** A field of an answer as bytes. @throws KmsError where it is not there */
export function bytesIn(json: KmsAnswer['json'], field: string, title: string): Buffer {
  const text = json[field];
  if (typeof text === 'string' && text !== '') return Buffer.from(text, 'base64');
  throw new KmsError(
    'KT_KMS_UNAVAILABLE',
    `${title} answered in another form than its documents say.`,
    'Check its address.',
  );
}
