// Importing a dotenv file: dropped or pasted, read here in the browser, looked through, then sealed value by value.
import { Alert, Button, Checkbox, Group, Progress, Stack, Table, Text, Textarea } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { IconAlertTriangle, IconCheck, IconFileImport, IconFileText } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type DotenvText, readDotenv } from '../../../lib/formats/dotenv-text.ts';
import { api, body, once } from '../api/client.ts';
import { allSecrets, catalog, queryClient } from '../api/queries.ts';
import { LinkButton } from '../parts/links.tsx';
import { Empty, ErrorBox, PageHead, State } from '../parts/Parts.tsx';
import { usePlace } from '../parts/place.ts';
import { SaveError } from '../parts/SealingNote.tsx';
import { sealAll } from '../sealing/intake.ts';
import { words } from '../words.ts';

const MOST_BYTES = 2 * 1024 * 1024;
/** What one request carries. */
const TOGETHER = 200;

export function Import() {
  const place = usePlace();
  const [text, setText] = useState('');
  const [parsed, setParsed] = useState<DotenvText>();
  const [refused, setRefused] = useState<string>();
  const read = (given: string) => {
    setText(given);
    setParsed(given.trim() === '' ? undefined : readDotenv(given));
    setRefused(undefined);
  };
  const reset = () => read('');
  return (
    <>
      <PageHead title={words.import.title} about={words.import.about(place.environment)} />
      {parsed ? (
        <Preview parsed={parsed} onReset={reset} />
      ) : (
        <Stack>
          <Dropzone
            maxSize={MOST_BYTES}
            multiple={false}
            onDrop={([file]) => void file?.text().then(read)}
            onReject={() => setRefused(words.import.tooLarge)}
            inputProps={{ 'aria-label': words.import.choose }}
          >
            <Group justify="center" gap="md" mih={180} style={{ pointerEvents: 'none' }}>
              <IconFileText size={44} aria-hidden />
              <div>
                <Text size="lg" fw={600}>
                  {words.import.drop}
                </Text>
                <Text size="sm" c="dimmed">
                  {words.import.dropAbout}
                </Text>
              </div>
            </Group>
          </Dropzone>
          {refused && <ErrorBox error={new Error(refused)} />}
          <Textarea
            label={words.import.paste}
            minRows={5}
            autosize
            maxRows={14}
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button w="fit-content" disabled={text.trim() === ''} onClick={() => read(text)}>
            {words.import.read}
          </Button>
        </Stack>
      )}
    </>
  );
}

function Preview({ parsed, onReset }: { parsed: DotenvText; onReset: () => void }) {
  const place = usePlace();
  const present = useQuery(allSecrets(place));
  const known = useQuery(catalog);
  const filled = parsed.entries.filter((one) => one.text !== '');
  const blank = parsed.entries.filter((one) => one.text === '');
  const there = new Set((present.data ?? []).map((one) => one.name.toUpperCase()));
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [overwrite, setOverwrite] = useState(false);
  const [progress, setProgress] = useState(0);
  const isThere = (name: string) => there.has(name.toUpperCase());
  const chosen = filled.filter((one) => !left.has(one.name) && (overwrite || !isThere(one.name)));
  const save = useMutation({
    mutationFn: async () => {
      setProgress(0);
      const sealed = await sealAll(place, chosen, (done) => setProgress(done / 2));
      const results = [];
      for (let from = 0; from < sealed.length; from += TOGETHER) {
        const { secrets } = await body(
          api.PUT('/v1/projects/{project}/environments/{environment}/secrets', {
            params: { path: { project: place.project, environment: place.environment } },
            headers: once(),
            body: { secrets: sealed.slice(from, from + TOGETHER), overwrite },
          }),
        );
        results.push(...secrets);
        setProgress(sealed.length / 2 + results.length / 2);
      }
      return results;
    },
    onSettled: () => {
      for (const key of ['secrets', 'integrations', 'schedule'])
        void queryClient.invalidateQueries({ queryKey: [key] });
    },
  });
  if (save.data) {
    const changed = save.data.filter((one) => one.outcome !== 'unchanged').length;
    return (
      <Empty
        icon={IconCheck}
        title={words.import.done(changed, place.environment)}
        action={
          <Group>
            <LinkButton to="/admin/settings/integrations">{words.import.validate}</LinkButton>
            <LinkButton variant="default" to="/admin/secrets">
              {words.secret.toList}
            </LinkButton>
          </Group>
        }
      >
        {words.import.doneAbout}
      </Empty>
    );
  }
  const choose = (name: string, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(name);
    else next.add(name);
    setLeft(next);
  };
  const typeOf = (name: string) => known.data?.known.find((one) => one.name === name.toUpperCase())?.purpose ?? '';
  return (
    <Stack>
      {parsed.problems.length > 0 && (
        <Alert color="red" icon={<IconAlertTriangle size={18} />} title={words.import.problems} role="alert">
          {parsed.problems.map((one) => (
            <Text key={one.line} size="sm">
              {words.import.line(one.line, one.what)}
            </Text>
          ))}
        </Alert>
      )}
      {parsed.notes.length > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />} title={words.import.notes}>
          {parsed.notes.map((one) => (
            <Text key={`${one.line} ${one.what}`} size="sm">
              {words.import.line(one.line, one.what)}
            </Text>
          ))}
        </Alert>
      )}
      <Table.ScrollContainer minWidth={520} mah={520}>
        <Table verticalSpacing={6} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={40} aria-label={words.import.take} />
              <Table.Th>{words.fields.name}</Table.Th>
              <Table.Th>{words.fields.state}</Table.Th>
              <Table.Th>{words.import.purpose}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {filled.map((one) => {
              const old = isThere(one.name);
              return (
                <Table.Tr key={one.name}>
                  <Table.Td>
                    <Checkbox
                      aria-label={words.import.takeName(one.name)}
                      checked={!left.has(one.name) && (overwrite || !old)}
                      disabled={old && !overwrite}
                      onChange={(event) => choose(one.name, event.currentTarget.checked)}
                    />
                  </Table.Td>
                  <Table.Td className="mono">{one.name}</Table.Td>
                  <Table.Td>
                    <State of={old ? 'medium' : 'fresh'} label={old ? words.import.old : words.import.new} />
                  </Table.Td>
                  <Table.Td>{typeOf(one.name)}</Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {blank.length > 0 && (
        <Text size="sm" c="dimmed">
          {words.import.blank(blank.map((one) => one.name).join(', '))}
        </Text>
      )}
      <Checkbox
        label={words.import.overwrite}
        checked={overwrite}
        onChange={(event) => setOverwrite(event.currentTarget.checked)}
      />
      {save.isPending && (
        <Progress value={(progress / chosen.length) * 100} aria-label={words.import.saving} animated />
      )}
      <SaveError error={save.error ?? present.error} onAccepted={() => save.reset()} />
      <Group>
        <Button
          leftSection={<IconFileImport size={18} />}
          disabled={chosen.length === 0 || parsed.problems.length > 0 || present.isPending}
          loading={save.isPending}
          onClick={() => save.mutate()}
        >
          {words.import.submit(chosen.length)}
        </Button>
        <Button variant="default" onClick={onReset}>
          {words.import.other}
        </Button>
      </Group>
    </Stack>
  );
}
