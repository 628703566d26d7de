// What happens in an environment, as it happens: one stream of server-sent events for each page that is open.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Place } from './queries.ts';

/** What a change in an environment may have made stale. */
const STALE = ['secrets', 'rotations', 'integrations', 'destinations', 'schedule', 'incidents', 'approvals', 'alerts'];

/** Listens, and has stale queries fetched anew. @returns whether the stream is open */
export function useEvents(place: Place): boolean {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const { project, environment } = place;
  useEffect(() => {
    const at = `/v1/projects/${encodeURIComponent(project)}/environments/${encodeURIComponent(environment)}/events`;
    const source = new EventSource(at);
    source.onopen = () => setOpen(true);
    source.onerror = () => setOpen(false);
    source.addEventListener('change', () => {
      for (const key of STALE) void client.invalidateQueries({ queryKey: [key] });
    });
    return () => source.close();
  }, [client, project, environment]);
  return open;
}
