// Asks a running application which version of a secret it uses: "live" is then seen, not assumed.
import { askHeader, useOf } from '../client/probe.ts';
import type { Http } from '../providers/http.ts';

export type Seen = 'new' | 'other' | 'silent';

export interface Question {
  /** Where the application answers. */
  readonly url: string;
  /** The probe key's value. */
  readonly key: string;
  /** What the application calls the secret, and the value that it should use. */
  readonly name: string;
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly nonce: string;
}

/** @returns `silent` where the application does not answer, or does not know the name */
export async function seenBy(http: Http, question: Question): Promise<Seen> {
  const { url, key, name, value, now, nonce } = question;
  const answer = await http.send({ url, headers: { authorization: await askHeader(key, now, nonce) } });
  if (answer.status !== 200 || !('json' in answer)) return 'silent';
  const { secrets } = (answer.json ?? {}) as { secrets?: Record<string, unknown> };
  const found = secrets?.[name];
  if (typeof found !== 'string') return 'silent';
  return found === (await useOf(key, nonce, name, value)) ? 'new' : 'other';
}
