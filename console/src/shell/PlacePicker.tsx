// Which project and environment the pages show.
import { Group, SegmentedControl, Select } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type Place, projects } from '../api/queries.ts';
import { rememberPlace, usePlace } from '../parts/place.ts';
import { words } from '../words.ts';

/** More environments than these do not fit side by side. */
const SIDE_BY_SIDE = 4;

export function PlacePicker({ wide }: { wide: boolean }) {
  const place = usePlace();
  const { data } = useSuspenseQuery(projects);
  const navigate = useNavigate();
  const here = data.find((one) => one.name === place.project)?.environments ?? [];
  const go = (to: Place) => {
    rememberPlace(to);
    void navigate({ to: '.', search: (before: object) => ({ ...before, project: to.project, env: to.environment }) });
  };
  const names = here.map((one) => one.name);
  return (
    <Group gap="xs" wrap="nowrap" miw={0}>
      {data.length > 1 && (
        <Select
          aria-label={words.place.project}
          size="xs"
          w={140}
          allowDeselect={false}
          data={data.map((one) => one.name)}
          value={place.project}
          onChange={(project) => {
            const first = data.find((one) => one.name === project)?.environments;
            const same = first?.find((one) => one.name === place.environment) ?? first?.[0];
            if (project && same) go({ project, environment: same.name });
          }}
        />
      )}
      {wide && names.length <= SIDE_BY_SIDE ? (
        <SegmentedControl
          aria-label={words.place.environment}
          size="xs"
          data={names}
          value={place.environment}
          onChange={(environment) => go({ ...place, environment })}
        />
      ) : (
        <Select
          aria-label={words.place.environment}
          size="xs"
          w={130}
          allowDeselect={false}
          data={names}
          value={place.environment}
          onChange={(environment) => environment && go({ ...place, environment })}
        />
      )}
    </Group>
  );
}
