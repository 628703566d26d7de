// Every command that the documents show is run, in the order in which a reader would, in a project of its own; and what a console block
// shows is what comes, but for numbers, times and ids.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/command.ts';
import { type Statement, statementsOf } from './markdown.ts';
import { type Prepared, SCENES, type Scene } from './scenes.ts';
import { ShellSession } from './session.ts';

function documents(): string[] {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const docs = below.filter((name) => name.endsWith('.md')).map((name) => join('docs', name));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs].sort();
}

const commandsOf = (document: string): Statement[] => statementsOf(readFileSync(join(ROOT, document), 'utf8'));

/** What differs from run to run: numbers, times, paths; and the spaces that align them. */
function plain(line: string, folder: string): string {
  // A progress bar is drawn over.
  const drawn = line.split('\u001b[K').at(-1) ?? '';
  return drawn
    .replaceAll(folder, '/home/ann/shop')
    .replace(/\s+#.*$/, '')
    .replace(/\d+/g, '0')
    .replace(/\s+/g, ' ')
    .trim();
}

function shownOf(lines: readonly string[], folder: string): string[] {
  // A prompt shows on a terminal only.
  return lines
    .filter((line) => !/\(not shown\):/.test(line))
    .map((line) => plain(line, folder))
    .filter((line) => line !== '');
}

function partFor<T>(by: Readonly<Record<string, T>> | undefined, text: string): T | undefined {
  return Object.entries(by ?? {}).find(([part]) => `${text} `.includes(part))?.[1];
}

async function replaced(text: string, { replace = [] }: Prepared, session: ShellSession): Promise<string> {
  let done = text;
  for (const [placeholder, by] of replace) {
    if (!done.includes(placeholder)) continue;
    const value = typeof by === 'string' ? by : await by(session);
    done = done.replaceAll(placeholder, () => value);
  }
  return done;
}

async function runStatement(
  statement: Statement,
  scene: Scene,
  prepared: Prepared,
  session: ShellSession,
): Promise<void> {
  const { text, line, shown } = statement;
  const where = `${scene.document}:${line}: ${text}`;
  await partFor(prepared.before, text)?.(session);
  const input = partFor(prepared.input, text);
  const terminal = scene.compare === true && input === undefined;
  const { code, output } = await session.run({ text: await replaced(text, prepared, session) }, input, terminal);
  expect(partFor(prepared.codes, text) ?? [0], `${where}\n${output}`).toContain(code);
  expect(output, where).not.toMatch(/\n {4}at .+:\d+:\d+/);
  if (!scene.compare || !shown || shown.every((one) => one === '')) return;
  const wanted = shownOf(shown, session.folder);
  const came = shownOf(output.split('\n'), session.folder);
  // A line that is only … stands for all that follows.
  const end = wanted.indexOf('…');
  expect(end < 0 ? came : came.slice(0, end), where).toEqual(end < 0 ? wanted : wanted.slice(0, end));
}

describe('the documents', () => {
  it('that have commands each have a scene', () => {
    const withCommands = documents().filter((one) => commandsOf(one).length > 0);
    expect(SCENES.map((one) => one.document).sort()).toEqual(withCommands);
  });

  it('name another test, which is there, for what is not run here; and each such word is of use', () => {
    for (const { document, elsewhere = {} } of SCENES) {
      const texts = commandsOf(document).map((one) => `${one.text} `);
      for (const [part, test] of Object.entries(elsewhere)) {
        expect(existsSync(join(ROOT, test)), test).toBe(true);
        expect(
          texts.some((one) => one.includes(part)),
          `${document}: ${part}`,
        ).toBe(true);
      }
    }
  });

  it('lead nowhere that is not there', () => {
    for (const document of documents()) {
      const text = readFileSync(join(ROOT, document), 'utf8').replace(/```[\s\S]*?```/g, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? join(ROOT, document) : join(ROOT, document, '..', path);
        expect(existsSync(file), `${document} → ${target}`).toBe(true);
        if (anchor === undefined || !file.endsWith('.md')) continue;
        const anchors = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
          heading
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, '')
            .replaceAll(' ', '-'),
        );
        expect(anchors, `${document} → ${target}`).toContain(anchor);
      }
    }
  });
});

describe.each(SCENES.map((one) => [one.document, one] as const))('%s', (_, scene) => {
  it('works as it is written', async () => {
    const prepared = (await scene.prepare?.()) ?? {};
    const session = new ShellSession(prepared);
    await prepared.begin?.(session);
    for (const statement of commandsOf(scene.document)) {
      if (partFor(scene.elsewhere, statement.text) === undefined)
        await runStatement(statement, scene, prepared, session);
    }
  });
});
