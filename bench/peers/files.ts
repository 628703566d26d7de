// Files of a hundred keys: dotenvx, and sops with age, beside `keyturn get`, `run` and `import`.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support.ts';
import { type Contender, compare, programPath, run, versionOf } from './peer.ts';

const KEYTURN = fileURLToPath(new URL('../../bin/keyturn.cjs', import.meta.url));
const KEYS = 100;
const ROUNDS = 15;
/** Neither asks anybody about itself. */
const QUIET = { DOTENVX_NO_ARMOR: 'true', SOPS_DISABLE_VERSION_CHECK: 'true' };

/** As this machine's package has it: without npx, whose own start would be measured. */
function dotenvxFile(): string {
  const require = createRequire(import.meta.url);
  const path = require.resolve('@dotenvx/dotenvx/package.json');
  const { bin } = JSON.parse(readFileSync(path, 'utf8')) as { bin: string | Record<string, string> };
  return join(dirname(path), typeof bin === 'string' ? bin : (bin.dotenvx ?? ''));
}

function plainFile(): string {
  return Array.from({ length: KEYS }, (_, n) => `SECRET_${n}=${randomBytes(30).toString('base64url')}\n`).join('');
}

interface Sops {
  readonly program: string;
  readonly env: Record<string, string>;
  readonly recipient: string;
}

function sopsWithAge(folder: string): Sops | undefined {
  const [program, keygen] = [programPath('sops'), programPath('age-keygen')];
  if (!program || !keygen) return undefined;
  const key = join(folder, 'age.key');
  execFileSync(keygen, ['-o', key], { stdio: 'ignore' });
  const recipient = /public key: (age1\S+)/.exec(readFileSync(key, 'utf8'))?.[1] ?? '';
  return { program, recipient, env: { SOPS_AGE_KEY_FILE: key, ...QUIET } };
}

export function files(): void {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeFileSync(at('plain.env'), plainFile());
  const node = process.execPath;
  const dotenvx = dotenvxFile();
  const keyturn = (args: string[]) => run(node, [KEYTURN, ...args], folder);
  keyturn(['init']);
  keyturn(['import', 'plain.env']);
  copyFileSync(at('plain.env'), at('dotenvx.env'));
  run(node, [dotenvx, 'encrypt', '-f', 'dotenvx.env'], folder, QUIET);
  const sops = sopsWithAge(folder);
  const encrypt = (from: string, to: string) => {
    if (!sops) return;
    const text = execFileSync(
      sops.program,
      ['encrypt', '--age', sops.recipient, '--input-type', 'dotenv', '--output-type', 'dotenv', at(from)],
      { env: { ...process.env, ...sops.env } },
    );
    writeFileSync(at(to), text);
  };
  encrypt('plain.env', 'sops.env');
  const withSops = (once: (it: Sops) => void): Pick<Contender, 'once'> => ({
    once: sops ? () => once(sops) : undefined,
  });
  const names = {
    keyturn: 'Keyturn',
    dotenvx: `dotenvx ${versionOf(node, [dotenvx, '--version'])}`,
    sops: sops ? `sops ${versionOf(sops.program)} with age` : 'sops with age',
    node: 'floor: node -e 0',
  };
  const floor: Contender = { who: names.node, once: () => run(node, ['-e', '0'], folder) };
  compare(
    `get one of ${KEYS}`,
    [
      { who: names.keyturn, once: () => keyturn(['get', 'SECRET_50']), note: 'audited, durable' },
      { who: names.dotenvx, once: () => run(node, [dotenvx, 'get', 'SECRET_50', '-f', 'dotenvx.env'], folder, QUIET) },
      {
        who: names.sops,
        ...withSops(({ program, env }) =>
          run(
            program,
            ['decrypt', '--input-type', 'dotenv', '--extract', '["SECRET_50"]', at('sops.env')],
            folder,
            env,
          ),
        ),
      },
      floor,
    ],
    ROUNDS,
  );
  compare(
    `run -- true, ${KEYS} secrets`,
    [
      { who: names.keyturn, once: () => keyturn(['run', '--', 'true']), note: 'audited, durable' },
      { who: names.dotenvx, once: () => run(node, [dotenvx, 'run', '-f', 'dotenvx.env', '--', 'true'], folder, QUIET) },
      {
        who: names.sops,
        ...withSops(({ program, env }) => run(program, ['exec-env', at('sops.env'), 'true'], folder, env)),
      },
      floor,
    ],
    ROUNDS,
  );
  let n = 0;
  compare(
    `encrypt a file of ${KEYS} keys`,
    [
      {
        who: names.keyturn,
        once: () => {
          // Other values each time: what is there already is not sealed again.
          n += 1;
          writeFileSync(at('next.env'), readFileSync(at('plain.env'), 'utf8').replaceAll('=', `=${n}-`));
          keyturn(['import', 'next.env']);
        },
        note: 'versioned, audited, durable',
      },
      {
        who: names.dotenvx,
        once: () => {
          copyFileSync(at('plain.env'), at('next-dotenvx.env'));
          run(node, [dotenvx, 'encrypt', '-f', 'next-dotenvx.env'], folder, QUIET);
        },
      },
      { who: names.sops, ...withSops(() => encrypt('plain.env', 'next-sops.env')) },
      floor,
    ],
    ROUNDS,
  );
  rmSync(folder, { recursive: true, force: true });
}
