// Access: what one opened vault may do, decided in one place from data. The embedded vault's principal is the person
// who runs the process; a scope narrows what the process may reach.
import { nameKey } from '../catalog/catalog.ts';

export type OperationName = 'read' | 'list' | 'write' | 'delete' | 'rotate' | 'keys' | 'backup' | 'audit';

/** What a principal may do. Left out means everything. */
export interface AccessScope {
  readonly operations?: readonly OperationName[];
  /** Names or patterns with `*` for any characters, compared without case: `STRIPE_*`. */
  readonly names?: readonly string[];
  readonly environments?: readonly string[];
}

function fits(pattern: string, name: string): boolean {
  const parts = nameKey(pattern)
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(nameKey(name));
}

/** Why something may not be done; undefined where it may. */
export function denial(
  scope: AccessScope,
  operation: OperationName,
  at: { environment?: string; name?: string },
): string | undefined {
  if (scope.operations && !scope.operations.includes(operation))
    return `the operation "${operation}" is not in its scope`;
  const { environment, name } = at;
  if (environment && scope.environments && !scope.environments.some((one) => fits(one, environment))) {
    return `the environment ${environment} is not in its scope`;
  }
  if (name && scope.names && !scope.names.some((one) => fits(one, name))) return 'that name is not in its scope';
  return undefined;
}
