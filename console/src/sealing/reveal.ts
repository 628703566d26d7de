// Revealing a value: the server seals it to a key that this page made for this one answer and that never leaves it.
import { makeRevealKey, open } from '../../../lib/client/sealed-value.ts';
import { api, body } from '../api/client.ts';
import type { Place } from '../api/queries.ts';

export interface Revealed {
  readonly version: number;
  /** The value; base64 where it is not text. */
  readonly text: string;
  readonly binary: boolean;
}

export interface RevealInput {
  readonly place: Place;
  readonly name: string;
  readonly version: number | undefined;
  readonly reason: string;
  readonly approval: string | undefined;
}

/** @throws Problem: KT_REAUTHENTICATION_REQUIRED where the sign-in is too old, KT_APPROVAL_REQUIRED where two are asked for */
export async function reveal({ place, name, version, reason, approval }: RevealInput): Promise<Revealed> {
  const { privateKey, publicKey } = await makeRevealKey();
  const answer = await body(
    api.POST('/v1/projects/{project}/environments/{environment}/secrets/{name}/reveal', {
      params: { path: { ...place, name } },
      headers: approval === undefined ? {} : { 'keyturn-approval': approval },
      body: { recipient: publicKey, reason, ...(version !== undefined && { version }) },
    }),
  );
  const { vault, project, environment } = answer;
  const bytes = await open(privateKey, answer, { use: 'reveal', vault, project, environment, name: answer.name });
  try {
    const text = answer.text ? new TextDecoder().decode(bytes) : btoa(String.fromCharCode(...bytes));
    return { version: answer.version, text, binary: !answer.text };
  } finally {
    bytes.fill(0);
  }
}
