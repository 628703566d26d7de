// The detailed report of an environment, to be read here, printed, or taken away.
import { Button, Card, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { IconDownload, IconPrinter, IconReportAnalytics } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { type Place, type Report, report } from '../api/queries.ts';
import { ListTable } from '../parts/ListTable.tsx';
import { dateTimeText } from '../parts/moments.ts';
import { Empty, PageHead, State } from '../parts/Parts.tsx';
import { useMay, usePlace } from '../parts/place.ts';
import { words } from '../words.ts';
import { KeptReports } from './KeptReports.tsx';

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;

export function Reports() {
  const place = usePlace();
  const may = useMay();
  if (!may('validate')) return <Empty icon={IconReportAnalytics} title={words.notAllowed} />;
  return <Whole place={place} />;
}

function Whole({ place }: { place: Place }) {
  const may = useMay();
  const { data } = useSuspenseQuery(report(place));
  const at = `/v1/projects/${encodeURIComponent(place.project)}/environments/${encodeURIComponent(place.environment)}/report`;
  const name = `keyturn-report-${place.environment}-${data.createdAt.slice(0, 10)}`;
  return (
    <>
      <PageHead
        title={words.reports.title(place.environment)}
        about={words.reports.made(dateTimeText(Date.parse(data.createdAt)), data.vault.slice(0, 8))}
      >
        <Button
          variant="default"
          component="a"
          href={`${at}?format=markdown`}
          download={`${name}.md`}
          leftSection={<IconDownload size={18} />}
        >
          {words.reports.markdown}
        </Button>
        <Button variant="default" component="a" href={`${at}?format=json`} download={`${name}.json`}>
          {words.reports.json}
        </Button>
        <Button variant="default" leftSection={<IconPrinter size={18} />} onClick={() => window.print()}>
          {words.reports.print}
        </Button>
      </PageHead>
      <Stack gap="lg">
        <Summary report={data} />
        <Findings report={data} />
        {may('monitor', 'vault') && <KeptReports />}
        <Secrets report={data} />
      </Stack>
    </>
  );
}

function Summary({ report: { summary } }: { report: Report }) {
  const facts: [string, string | number][] = [
    [words.overview.secrets, summary.secrets],
    [words.reports.critical, `${summary.criticalPresent} / ${summary.criticalWanted}`],
    [words.overview.overdue, summary.overdue],
    [words.reports.dueSoon, summary.dueSoon],
    [words.reports.denied, summary.deniedAttempts],
    [words.reports.failed, summary.failedRotations],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      {facts.map(([label, value]) => (
        <Card key={label} padding="md">
          <Text size="sm" c="dimmed">
            {label}
          </Text>
          <Text fz={24} fw={700}>
            {value}
          </Text>
        </Card>
      ))}
    </SimpleGrid>
  );
}

function Findings({ report: { findings } }: { report: Report }) {
  const sorted = SEVERITIES.flatMap((severity) => findings.filter((one) => one.severity === severity));
  return (
    <section>
      <Title order={2} mb="sm">
        {words.reports.findings(findings.length)}
      </Title>
      {sorted.length === 0 ? (
        <Text>{words.reports.noFindings}</Text>
      ) : (
        <ListTable width={560} columns={words.reports.findingColumns}>
          {sorted.map((one) => (
            <Table.Tr key={`${one.secret} ${one.what}`}>
              <Table.Td>
                <State of={one.severity} />
              </Table.Td>
              <Table.Td className="mono">{one.secret}</Table.Td>
              <Table.Td>{one.what}</Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}

function Secrets({ report: { secrets } }: { report: Report }) {
  return (
    <section>
      <Title order={2} mb="sm">
        {words.secrets.title}
      </Title>
      <ListTable width={760} columns={words.reports.columns}>
        {secrets.map((one) => (
          <Table.Tr key={one.name}>
            <Table.Td className="mono">{one.name}</Table.Td>
            <Table.Td>{words.types[one.type] ?? one.type}</Table.Td>
            <Table.Td>
              <State of={one.risk} />
            </Table.Td>
            <Table.Td>{words.reports.age(one.ageDays, one.intervalDays)}</Table.Td>
            <Table.Td>
              <State of={one.state} />
            </Table.Td>
            <Table.Td>{one.strength ?? words.none}</Table.Td>
            <Table.Td>{one.reads}</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </section>
  );
}
