// Where a role or a token reaches, in words and as a choice.
import { Group, Select } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { projects } from '../../api/queries.ts';
import { words } from '../../words.ts';

/** Where a role or a token reaches: everywhere, a project, or one environment. */
export function WherePicker(props: {
  project: string | null;
  environment: string | null;
  everywhere: boolean;
  onChange: (project: string | null, environment: string | null) => void;
}) {
  const { project, environment, onChange } = props;
  const { data } = useSuspenseQuery(projects);
  const here = data.find((one) => one.name === project)?.environments ?? [];
  return (
    <Group grow>
      <Select
        label={words.place.project}
        placeholder={props.everywhere ? words.access.everywhere : undefined}
        data={data.map((one) => one.name)}
        value={project}
        onChange={(to) => onChange(to, null)}
        clearable={props.everywhere}
        allowDeselect={props.everywhere}
        required={!props.everywhere}
      />
      <Select
        label={words.place.environment}
        placeholder={words.access.everyEnvironment}
        data={here.map((one) => one.name)}
        value={environment}
        onChange={(to) => onChange(project, to)}
        disabled={project === null}
        clearable
      />
    </Group>
  );
}

export function whereText(at: { project?: string | undefined; environment?: string | undefined }): string {
  if (at.project === undefined) return words.access.everywhere;
  return at.environment === undefined ? at.project : `${at.project}/${at.environment}`;
}
