// What providers' answers have in common, read once: which status means what, and codes that are safe to repeat.
import type { HttpAnswer, NoAnswer } from './http.ts';
import { retryAfterMs } from './http.ts';
import { type CheckResult, ProviderError } from './provider.ts';

export type Answer = HttpAnswer | NoAnswer;

/** A code out of a provider's answer, if it looks like one: everything else of an answer stays out of our words. */
export function codeIn(answer: Answer, ...paths: readonly string[]): string | undefined {
  if (answer.status === 0 || !('json' in answer)) return undefined;
  for (const path of paths) {
    const found = path
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], answer.json);
    if (typeof found === 'string' && /^[A-Za-z0-9_.-]{1,60}$/.test(found)) return found;
  }
  return undefined;
}

/** A field of a JSON answer as text; undefined where it is not there. */
export function fieldIn(answer: Answer, path: string): string | undefined {
  if (answer.status === 0 || !('json' in answer)) return undefined;
  const found = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], answer.json);
  return typeof found === 'string' ? found : undefined;
}

/** The statuses that mean the same at (nearly) every provider; undefined where the provider's own file has to say. */
export function commonResult(title: string, answer: Answer, now: number): CheckResult | undefined {
  if (answer.status === 0 || !('headers' in answer)) {
    return { status: 'unreachable', detail: `${title} was not reached: ${(answer as NoAnswer).reason}` };
  }
  const { status, headers } = answer;
  if (status === 429) {
    return {
      status: 'throttled',
      detail: `${title} asks for patience (429)`,
      retryAfterMs: retryAfterMs(headers, now),
    };
  }
  if (status >= 500) return { status: 'unreachable', detail: `${title} is in trouble itself (${status})` };
  if (status >= 300 && status < 400) {
    return { status: 'unreachable', detail: `something between here and ${title} redirects (${status})` };
  }
  // A page where data was due: a proxy, a sign-in of a network. It says nothing about the key.
  if (answer.json === undefined && /html/.test(headers.get('content-type') ?? '')) {
    return { status: 'unreachable', detail: `a page came instead of ${title}'s answer (${status})` };
  }
  return undefined;
}

export interface Meanings {
  /** Codes that mean that the key is not valid, whatever the status. */
  readonly refused?: readonly string[];
  /** Codes that mean that it is valid, and may not do this. */
  readonly restricted?: readonly string[];
  /** Where the answer has its code. */
  readonly code: readonly string[];
}

/** The usual reading: 2xx valid, 401 refused, 403 valid but restricted; codes tell more where the provider gives them. */
export function usualResult(title: string, answer: Answer, now: number, meanings: Meanings): CheckResult {
  const common = commonResult(title, answer, now);
  if (common) return common;
  const code = codeIn(answer, ...meanings.code);
  const said = code === undefined ? String(answer.status) : `${answer.status}, ${code}`;
  if (answer.status >= 200 && answer.status < 300) return { status: 'valid', detail: `${title} accepts it` };
  if (code !== undefined && meanings.refused?.includes(code)) {
    return { status: 'refused', detail: `${title} refuses it (${said})` };
  }
  if (code !== undefined && meanings.restricted?.includes(code)) {
    return { status: 'restricted', detail: `${title} accepts it, but it may not do this (${said})` };
  }
  if (answer.status === 401) return { status: 'refused', detail: `${title} refuses it (${said})` };
  if (answer.status === 403) {
    return { status: 'restricted', detail: `${title} accepts it, but it may not do this (${said})` };
  }
  return { status: 'unreachable', detail: `${title} answers in a way that is not known here (${said})` };
}

/** The answer of a call that was to change something. @throws ProviderError where it has not succeeded */
export function succeeded(title: string, doing: string, answer: Answer, now: number, ...codes: string[]): HttpAnswer {
  if (answer.status === 0 || !('headers' in answer)) {
    throw new ProviderError(`${title} could not be reached for ${doing}: ${(answer as NoAnswer).reason}`, {
      passing: true,
    });
  }
  if (answer.status >= 200 && answer.status < 300) {
    // A page where data was due (a proxy, a sign-in of a network), or data that was cut: nothing is known to have been done.
    if (answer.json !== undefined || answer.text.trim() === '') return answer;
    throw new ProviderError(`something else than ${title}'s answer came to ${doing} (${answer.status})`, {
      passing: true,
    });
  }
  const code = codeIn(answer, ...codes);
  const passing = answer.status === 429 || answer.status >= 500;
  throw new ProviderError(
    `${title} refused ${doing} (${code === undefined ? answer.status : `${answer.status}, ${code}`})`,
    {
      passing,
      retryAfterMs: retryAfterMs(answer.headers, now),
    },
  );
}

/** A field that an answer must have. @throws ProviderError, in words that name the field and not what was there instead */
export function required(title: string, answer: HttpAnswer, path: string): string {
  const found = fieldIn(answer, path);
  if (found !== undefined && found !== '') return found;
  throw new ProviderError(`${title}'s answer has no ${path}`, { passing: false });
}

/** The items of a list in an answer. @throws ProviderError where there is no list: an empty one would mean that there is nothing */
export function itemsIn(answer: HttpAnswer, path: string): Record<string, unknown>[] {
  const found =
    path === ''
      ? answer.json
      : path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], answer.json);
  if (Array.isArray(found)) return found as Record<string, unknown>[];
  throw new ProviderError('an answer that should hold a list holds none', { passing: true });
}

/** A setting of the project's configuration that a call cannot do without. @throws ProviderError */
export function setting(title: string, settings: Readonly<Record<string, unknown>>, name: string): string {
  const found = settings[name];
  if (typeof found === 'string' && found !== '') return found;
  throw new ProviderError(`providers.${title.toLowerCase()}.${name} is not set in keyturn.config`, { passing: false });
}
