// keyturn set: gives a secret a value, or changes what describes it.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { generateValue } from '../../rotation/generate.ts';
import { checkSecretName } from '../../vault/names.ts';
import type { SetResult } from '../../vault/results.ts';
import { type Description, describeSecret, setSecret } from '../../vault/write.ts';
import { type CommonOptions, type Session, withPlace, withSession } from '../session.ts';
import { readValue } from '../value-input.ts';

interface SetOptions extends CommonOptions {
  readonly type?: string;
  readonly interval?: string;
  readonly owner?: string;
  readonly label?: string[];
  readonly generate?: boolean;
  readonly fromFile?: string;
  readonly describe?: boolean;
  readonly ifVersion?: string;
}

export function wholeNumber(text: string, what: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is not ${what}.`, 'Give a whole number.');
}

function descriptionOf(options: SetOptions): Description {
  const labels = options.label?.map((label): [string, string] => {
    const at = label.indexOf('=');
    if (at > 0) return [label.slice(0, at), label.slice(at + 1)];
    throw new UsageError(`The label "${label}" is not key=value.`);
  });
  return {
    ...(options.type !== undefined && { type: options.type }),
    ...(options.interval !== undefined && {
      intervalDays: options.interval === 'default' ? null : wholeNumber(options.interval, 'a number of days'),
    }),
    ...(options.owner !== undefined && { owner: options.owner === '' ? null : options.owner }),
    ...(labels && { labels: Object.fromEntries(labels) }),
  };
}

/** The new value: made here, or from file, standard input or prompt. */
async function valueFor(session: Session, name: string, options: SetOptions): Promise<Buffer> {
  if (!options.generate) return readValue(name, options);
  const { catalog, random } = session.vault.context;
  const rule = catalog.rule(name, { type: options.type ?? catalog.typeFor(name) });
  if (rule.generate) return generateValue(rule.generate, random);
  throw new UsageError(
    `${name} cannot be made here: ${rule.known?.provider ?? 'whoever issues it'} issues it.`,
    rule.known?.page ? `Get it at ${rule.known.page}.` : 'Give the value by prompt, pipe or --from-file.',
  );
}

const WORDS: Readonly<Record<SetResult['outcome'], string>> = {
  added: 'added',
  updated: 'updated',
  unchanged: 'unchanged: the value is the one in use already',
  described: 'description changed; the value is the same',
};

export function register(program: Command): void {
  withPlace(
    program
      .command('set')
      .description('set a secret; the value comes from a hidden prompt, standard input or a file')
      .argument('<name>', 'name of the secret')
      // Taken so that it can be refused in plain words.
      .argument('[value...]', 'not taken: values do not belong on the command line'),
  )
    .option('-t, --type <type>', 'its type (by its name where not given)')
    .option('--interval <days>', 'its own rotation interval in days, or "default"')
    .option('--owner <who>', 'who answers for it')
    .option('--label <key=value...>', 'labels, in place of those it has')
    .option('--generate', 'let Keyturn make the value')
    .option('--from-file <path>', 'take the value from a file, byte for byte')
    .option('--describe', 'change type, interval, owner or labels only')
    .option('--if-version <n>', 'only if this is the version in use (0: only if there is none)')
    .action((name: string, extra: string[], options: SetOptions) =>
      withSession('set', options, async (session) => {
        if (extra.length > 0) {
          throw new UsageError(
            'A value was given on the command line; it is in your shell history now.',
            'Give it by prompt, pipe or --from-file, and if it was a real one, rotate it.',
          );
        }
        checkSecretName(name);
        const { vault, at, out } = session;
        const description = descriptionOf(options);
        let result: SetResult;
        if (options.describe) {
          result = vault.run(describeSecret(vault.context, at, name, description));
        } else {
          const value = await valueFor(session, name, options);
          const expectVersion =
            options.ifVersion === undefined ? undefined : wholeNumber(options.ifVersion, 'a version');
          result = vault.run(
            setSecret(vault.context, {
              at,
              name,
              value,
              ...description,
              ...(expectVersion !== undefined && { expectVersion }),
            }),
          );
          value.fill(0);
        }
        out.data({ ...result, environment: at.environment });
        out.line(`${result.name} (${at.environment}), version ${result.version}: ${WORDS[result.outcome]}.`);
      }),
    );
}
