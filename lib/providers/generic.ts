// A provider that the project declares itself: an address, a header, and the statuses that mean something.
import { commonResult } from './answers.ts';
import type { Call, CheckResult, KeyKind, Provider } from './provider.ts';

export interface GenericProvider {
  readonly title?: string | undefined;
  /** Where to ask. */
  readonly url: string;
  /** The header that carries the value; `{value}` stands for it. `Authorization: Bearer {value}` where not given. */
  readonly header?: { readonly name: string; readonly value: string } | undefined;
  /** Statuses of a valid key: 200 to 299 where not given. */
  readonly valid?: readonly number[] | undefined;
  readonly refused?: readonly number[] | undefined;
  readonly restricted?: readonly number[] | undefined;
  readonly page?: string | undefined;
}

function checkOf(title: string, declared: GenericProvider): (call: Call, value: string) => Promise<CheckResult> {
  const { name, value: template } = declared.header ?? { name: 'authorization', value: 'Bearer {value}' };
  return async (call, value) => {
    // A value that cannot stand in a header cannot be a key of this provider.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)) {
      return { status: 'refused', detail: 'it has characters that no header can carry' };
    }
    const answer = await call.http.send({
      url: declared.url,
      headers: { [name]: template.replaceAll('{value}', value) },
    });
    const { status } = answer;
    const means = (list: readonly number[] | undefined, other: boolean) => list?.includes(status) ?? other;
    if (means(declared.valid, status >= 200 && status < 300)) return { status: 'valid', detail: `${title} accepts it` };
    if (means(declared.refused, status === 401))
      return { status: 'refused', detail: `${title} refuses it (${status})` };
    if (means(declared.restricted, status === 403)) {
      return { status: 'restricted', detail: `${title} accepts it, but it may not do this (${status})` };
    }
    const common = commonResult(title, answer, call.now);
    return common ?? { status: 'unreachable', detail: `${title} answers in a way that is not declared (${status})` };
  };
}

/** @param id as the configuration names it */
export function genericProvider(id: string, declared: GenericProvider): Provider {
  const title = declared.title ?? id;
  const page = declared.page ?? new URL(declared.url).origin;
  const kind: KeyKind = {
    title: 'key',
    formats: [],
    check: checkOf(title, declared),
    byHand: { page, words: 'Make a second key there and paste it here; end the old one after its grace.' },
  };
  return {
    id,
    title,
    docs: page,
    baseUrl: new URL(declared.url).origin,
    atATime: 2,
    // Whatever type the project gives its secret.
    kinds: { '*': kind },
    unconfirmed: [],
  };
}
