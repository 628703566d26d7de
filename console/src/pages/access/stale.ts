// What a change of access makes stale: asked for anew.
import { queryClient } from '../../api/queries.ts';

export function stale(...keys: readonly string[]): void {
  for (const key of keys) void queryClient.invalidateQueries({ queryKey: [key] });
}
