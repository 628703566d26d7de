// What Vercel has of a project's variables: which are there, for which target; and values that it shows.

import { OutsideError } from '../../errors.ts';
import type { Http } from '../../providers/http.ts';
import type { Looked, Present } from './sources.ts';

const BASE_URL = 'https://api.vercel.com';
const TARGETS = ['production', 'preview', 'development'] as const;
/** Types whose value the list gives in plain (vercel.com, REST API, "Retrieve the environment variables of a project"). */
const SHOWN = new Set(['plain', 'system']);

/** Vercel did not say what it has. */
export class VercelLookError extends OutsideError {
  override readonly name = 'VercelLookError';
}

export interface VercelInput {
  readonly http: Http;
  readonly token: string;
  /** The project's id or name. */
  readonly project: string;
  readonly team?: string | undefined;
  readonly baseUrl?: string | undefined;
}

interface Variable {
  readonly key: string;
  readonly type: string;
  readonly value?: string;
  readonly target?: string | readonly string[];
}

/** @returns one for each target that has any variable, production always. @throws VercelLookError */
export async function fromVercel({ http, token, project, team, baseUrl }: VercelInput): Promise<Looked[]> {
  const query = new URLSearchParams({ decrypt: 'false', ...(team !== undefined && { teamId: team }) });
  const url = `${(baseUrl ?? BASE_URL).replace(/\/$/, '')}/v10/projects/${encodeURIComponent(project)}/env?${query}`;
  const answer = await http.send({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } });
  if (!('headers' in answer)) throw new VercelLookError(`Vercel could not be reached: ${answer.reason}`, true);
  if (answer.status !== 200) {
    const why = answer.status === 401 || answer.status === 403 ? ': the token is not good for that project' : '';
    throw new VercelLookError(`Vercel answers ${answer.status}${why}`, answer.status >= 500 || answer.status === 429);
  }
  const { envs } = (answer.json ?? {}) as { envs?: readonly Variable[] };
  if (!Array.isArray(envs)) throw new VercelLookError('Vercel answered in another form than its documents say', false);
  const variables = envs as readonly Variable[];
  return TARGETS.map((target) => lookedAt(target, variables)).filter(
    (one) => one.environment === 'production' || one.present.length > 0,
  );
}

function lookedAt(environment: string, variables: readonly Variable[]): Looked {
  const present = variables.flatMap((one): Present[] => {
    const targets = typeof one.target === 'string' ? [one.target] : (one.target ?? []);
    if (!targets.includes(environment)) return [];
    const value = SHOWN.has(one.type) && one.value ? Buffer.from(one.value, 'utf8') : undefined;
    return [{ name: one.key, value, file: undefined, line: undefined }];
  });
  return { environment, from: 'Vercel', present };
}
