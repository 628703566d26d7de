// Access: what one caller may do, decided in one place from data. The embedded vault's principal is the person who runs
// the process, narrowed by a scope; a server's principals have grants.
import { nameKey } from '../catalog/catalog.ts';
import type { Permission } from './policy.ts';

/** Where something is to be done. What is left out concerns the whole vault (or project, or environment). */
interface Target {
  readonly project?: string;
  readonly environment?: string;
  readonly name?: string;
}

export interface Access {
  /** Why something may not be done, in words that go into the log; undefined where it may. */
  denial(permission: Permission, at: Target): string | undefined;
  /** Whether the caller has anything to do with a project. */
  knows(project: string): boolean;
}

export type OperationName = Permission;

/** What a principal may do. Left out means everything. */
export interface AccessScope {
  readonly operations?: readonly OperationName[];
  /** Names or patterns with `*` for any characters, compared without case: `STRIPE_*`. */
  readonly names?: readonly string[];
  readonly environments?: readonly string[];
}

/** Compiles patterns with `*` for any characters, compared without case. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const sources = patterns.map((pattern) =>
    nameKey(pattern)
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );
  const expression = new RegExp(`^(?:${sources.join('|')})$`);
  return (name) => expression.test(nameKey(name));
}

/** The access of an embedded vault: everything, but for what the scope leaves out. */
export function scopedAccess(scope: AccessScope): Access {
  const fitsName = scope.names && matcher(scope.names);
  const fitsEnvironment = scope.environments && matcher(scope.environments);
  return {
    knows: () => true,
    denial(permission, { environment, name }) {
      if (scope.operations && !scope.operations.includes(permission))
        return `the operation "${permission}" is not in its scope`;
      if (environment !== undefined && fitsEnvironment && !fitsEnvironment(environment))
        return `the environment ${environment} is not in its scope`;
      if (name !== undefined && fitsName && !fitsName(name)) return 'that name is not in its scope';
      return undefined;
    },
  };
}

/** Permissions in a place. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  /** The project's name; undefined for all, and for what concerns the whole vault. */
  readonly project?: string | undefined;
  /** The environment's name; undefined for all of the project. */
  readonly environment?: string | undefined;
  /** Names or patterns; undefined for all. */
  readonly names?: readonly string[] | undefined;
}

function covers(has: string | undefined, wanted: string | undefined): boolean {
  if (has === undefined) return true;
  return wanted !== undefined && nameKey(has) === nameKey(wanted);
}

/** The access that grants add up to: nothing, but for what one of them gives. */
export function grantedAccess(grants: readonly Grant[]): Access {
  const compiled = grants.map((grant) => ({ ...grant, fits: grant.names && matcher(grant.names) }));
  return {
    knows: (project) => compiled.some((grant) => covers(grant.project, project)),
    denial(permission, at) {
      const here = compiled.filter((one) => covers(one.project, at.project) && covers(one.environment, at.environment));
      const allowing = here.filter((one) => one.permissions.has(permission));
      if (allowing.length === 0) return `it has no permission "${permission}" here`;
      const { name } = at;
      if (name === undefined || allowing.some((one) => !one.fits || one.fits(name))) return undefined;
      return 'that name is not in its scope';
    },
  };
}
