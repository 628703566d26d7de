// The tour of a new vault, in three steps that do something: bring secrets in, see that they work, look at the schedule.
import { Button, Group, Stepper, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconFileImport, IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body } from '../api/client.ts';
import { queryClient, schedule, secretsPage } from '../api/queries.ts';
import { LinkButton } from '../parts/links.tsx';
import { dateText } from '../parts/moments.ts';
import { ErrorBox, PageHead, State } from '../parts/Parts.tsx';
import { usePlace } from '../parts/place.ts';
import { AddSecretModal } from '../parts/SecretForm.tsx';
import { words } from '../words.ts';

const ALL = { text: '', type: '', state: 'any' } as const;

export function Welcome() {
  const place = usePlace();
  const { data } = useSuspenseQuery(secretsPage(place, ALL, 0));
  const { data: turns } = useSuspenseQuery(schedule(place));
  const total = data.total ?? 0;
  const [step, setStep] = useState(() => (total > 0 ? 1 : 0));
  const [adding, add] = useDisclosure();
  const check = useMutation({
    mutationFn: async () =>
      (
        await body(
          api.POST('/v1/projects/{project}/environments/{environment}/checks', {
            params: { path: { project: place.project, environment: place.environment } },
          }),
        )
      ).checks,
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['integrations'] }),
  });
  const asked = check.data?.filter((one) => one.status !== 'unchecked') ?? [];
  const byItself = turns.filter((one) => one.byItself);
  const next = turns[0];
  return (
    <>
      <PageHead title={words.welcome.title} about={words.welcome.about} />
      <Stepper active={step} onStepClick={setStep} orientation="vertical" allowNextStepsSelect>
        <Stepper.Step label={words.welcome.import.title} description={words.welcome.import.about(place.environment)}>
          <Text size="sm" mb="sm">
            {words.welcome.import.now(total)}
          </Text>
          <Group>
            <LinkButton to="/admin/import" leftSection={<IconFileImport size={18} />}>
              {words.secrets.import}
            </LinkButton>
            <Button variant="default" leftSection={<IconPlus size={18} />} onClick={add.open}>
              {words.secrets.add}
            </Button>
            <Button variant="subtle" onClick={() => setStep(1)} disabled={total === 0}>
              {words.welcome.next}
            </Button>
          </Group>
        </Stepper.Step>
        <Stepper.Step label={words.welcome.validate.title} description={words.welcome.validate.about}>
          <Group>
            <Button
              leftSection={<IconPlugConnected size={18} />}
              loading={check.isPending}
              disabled={total === 0}
              onClick={() => check.mutate()}
            >
              {words.integrations.validateAll}
            </Button>
            <Button variant="subtle" onClick={() => setStep(2)}>
              {words.welcome.next}
            </Button>
          </Group>
          <ErrorBox error={check.error} />
          {check.data && (
            <Text size="sm" mt="sm">
              {words.welcome.validate.asked(asked.length, check.data.length)}
            </Text>
          )}
          {asked.map((one) => (
            <Group key={one.name} gap="xs" mt={6}>
              <State of={one.status} />
              <Text size="sm" className="mono">
                {one.name}
              </Text>
              <Text size="sm" c="dimmed">
                {one.detail}
              </Text>
            </Group>
          ))}
        </Stepper.Step>
        <Stepper.Step label={words.welcome.schedule.title} description={words.welcome.schedule.about}>
          <Text size="sm" mb="sm">
            {words.welcome.schedule.now(byItself.length, turns.length - byItself.length)}
            {next && ` ${words.welcome.schedule.first(next.name, dateText(next.at))}`}
          </Text>
          <Group>
            <LinkButton to="/admin/rotations">{words.welcome.schedule.look}</LinkButton>
            <LinkButton variant="subtle" to="/admin">
              {words.welcome.done}
            </LinkButton>
          </Group>
        </Stepper.Step>
      </Stepper>
      <AddSecretModal place={place} opened={adding} onClose={add.close} />
    </>
  );
}
