// Projects and environments as the engine sees them.
import { nameKey } from '../catalog/catalog.ts';
import { NotFoundError } from '../errors.ts';

export interface Environment {
  readonly id: number;
  readonly name: string;
  readonly project: string;
  readonly createdAt: number;
  readonly projectId: number;
  /** Whether rotating, revealing and deleting want a second person's approval here. */
  readonly twoPeople: boolean;
}

/** What sealing binds an environment's keys to. Names hold no slash, so no two scopes are the same text. */
export function environmentScope(environment: Environment): string {
  return `${nameKey(environment.project)}/${nameKey(environment.name)}`;
}

/** Where an operation happens: a project and one of its environments, by name. */
export interface Place {
  readonly project: string;
  readonly environment: string;
}

export function projectNotFound(name: string): NotFoundError {
  return new NotFoundError(
    'KT_PROJECT_NOT_FOUND',
    `There is no project "${name}" in this vault.`,
    `\`keyturn init --project ${name}\` adds it.`,
  );
}

/**
 * @param known whether the caller has anything to do with a project: one of others is as if it were not there
 * @throws NotFoundError naming the environments that there are
 */
export function findEnvironment(
  environments: Iterable<Environment>,
  at: Place,
  known: (project: string) => boolean = () => true,
): Environment {
  const here: Environment[] = [];
  for (const one of environments) {
    if (nameKey(one.project) !== nameKey(at.project) || !known(one.project)) continue;
    if (nameKey(one.name) === nameKey(at.environment)) return one;
    here.push(one);
  }
  if (here.length === 0) {
    throw projectNotFound(at.project);
  }
  throw new NotFoundError(
    'KT_ENVIRONMENT_NOT_FOUND',
    `There is no environment "${at.environment}" in the project ${at.project}; there are ${here.map((one) => one.name).join(', ')}.`,
    `\`keyturn init --env ${at.environment}\` adds it.`,
  );
}
