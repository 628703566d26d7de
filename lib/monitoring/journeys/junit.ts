// Runs of journeys as JUnit XML, which CI systems show.
import type { JourneyRun } from './journey.ts';

function escaped(text: string): string {
  // Control characters are not allowed in XML at all.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones
  const plain = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
  return plain.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

const seconds = (ms: number) => (ms / 1000).toFixed(3);

export function toJunit(runs: readonly JourneyRun[]): string {
  const suites = runs.map((run) => {
    const failures = run.steps.filter((one) => one.outcome === 'failed').length;
    const skipped = run.steps.filter((one) => one.outcome === 'skipped').length;
    const cases = run.steps.map((step) => {
      const open = `    <testcase classname="${escaped(run.journey)}" name="${escaped(step.name)}" time="${seconds(step.ms)}"`;
      if (step.outcome === 'skipped') return `${open}><skipped/></testcase>`;
      if (step.outcome === 'passed') return `${open}/>`;
      return `${open}><failure message="${escaped(step.error ?? '')}">tried ${step.tries} times</failure></testcase>`;
    });
    return `  <testsuite name="${escaped(run.journey)}" tests="${run.steps.length}" failures="${failures}" skipped="${skipped}" time="${seconds(run.tookMs)}" timestamp="${new Date(run.startedAt).toISOString()}">\n${cases.join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}
