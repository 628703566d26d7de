// Which project and environment the console shows: from the address, else from last time, else the first that there is.
import { useSuspenseQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type Place, projects, whoami } from '../api/queries.ts';

const REMEMBERED = 'keyturn.place';

export function rememberPlace(place: Place): void {
  localStorage.setItem(REMEMBERED, JSON.stringify(place));
}

function remembered(): Partial<Place> {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}') as Partial<Place>;
  } catch {
    // Whoever wrote that, it says nothing to us.
    return {};
  }
}

/** Undefined where the person has nothing to do with any place. */
export function useMaybePlace(): Place | undefined {
  const search = useSearch({ strict: false });
  const { data } = useSuspenseQuery(projects);
  const known = data.flatMap((one) => one.environments.map((each) => ({ project: one.name, environment: each.name })));
  const last = remembered();
  const wanted = { project: search.project ?? last.project, environment: search.env ?? last.environment };
  const here = (one: Place) => one.environment === wanted.environment;
  return (
    known.find((one) => one.project === wanted.project && here(one)) ??
    known.find((one) => one.project === wanted.project) ??
    known.find(here) ??
    known[0]
  );
}

/** Inside the shell, which shows pages only where there is a place. */
export function usePlace(): Place {
  const place = useMaybePlace();
  if (!place) throw new Error('there is no place');
  return place;
}

/** What the person may do here, and in the vault as a whole. */
export function useMay(): (permission: string, where?: 'here' | 'vault') => boolean {
  const place = useMaybePlace();
  const { data } = useSuspenseQuery(whoami);
  const here = data.environments.find((one) => one.project === place?.project && one.environment === place.environment);
  return (permission, where = 'here') =>
    data.vaultWide.includes(permission) || (where === 'here' && here?.permissions.includes(permission) === true);
}
