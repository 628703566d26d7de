// Signing in and out, and what happens when a session ends while a page is open: the page stays, with what was typed.
import { authRequest, onSignedOut } from '../api/client.ts';
import { queryClient, whoami } from '../api/queries.ts';

type Listener = () => void;
const listeners = new Set<Listener>();
let expired = false;

onSignedOut(() => {
  // Who has not been signed in yet is led to the sign-in page instead.
  if (queryClient.getQueryData(whoami.queryKey) === undefined || expired) return;
  expired = true;
  for (const listener of listeners) listener();
});

export function subscribeExpired(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function isExpired(): boolean {
  return expired;
}

/** Somebody is signed in (again): what failed meanwhile is asked anew. */
export async function signedIn(): Promise<void> {
  expired = false;
  for (const listener of listeners) listener();
  // What was refused before would be shown as that error still.
  queryClient.removeQueries({ predicate: (query) => query.state.status === 'error' });
  await queryClient.invalidateQueries();
}

export async function signOut(): Promise<void> {
  await authRequest('/sign-out', {});
  queryClient.clear();
  window.location.assign('/sign-in');
}
