// keyturn get: prints one value, alone.
import type { Command } from 'commander';
import { asUtf8 } from '../../crypto/bytes.ts';
import { readSecret, readVersion } from '../../vault/read.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';
import { wholeNumber } from './set.ts';

/** Writes all of it before the caller zeroes the bytes. */
function write(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

export function register(program: Command): void {
  withPlace(
    program
      .command('get')
      .description('print a value, alone (with a line break on a terminal only)')
      .argument('<name>', 'name of the secret'),
  )
    .option('--version <n>', 'an earlier version')
    .action((name: string, options: CommonOptions & { version?: string }) =>
      withSession('get', options, async ({ vault, at, out }) => {
        const { context } = vault;
        const opened = vault.run(
          options.version === undefined
            ? readSecret(context, at, name, { purpose: 'get' })
            : readVersion(context, at, name, wholeNumber(options.version, 'a version'), { purpose: 'get' }),
        );
        const text = asUtf8(opened.value);
        out.data({
          name: opened.name,
          environment: at.environment,
          version: opened.version,
          ...(text === undefined ? { base64: opened.value.toString('base64') } : { value: text }),
        });
        if (!out.json) {
          await write(opened.value);
          if (process.stdout.isTTY) await write(Buffer.from('\n'));
        }
        opened.value.fill(0);
      }),
    );
}
