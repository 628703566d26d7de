// Runs the commands of one document, one after the other, in one shell in a project of its own, as a reader would. What a reader has
// installed (npx, npm, doppler, vault) is stood in for by small programs that say what the real one would.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';
import type { Statement } from './markdown.ts';

export interface Ran {
  readonly code: number;
  /** Standard output and error, as a terminal shows them. */
  readonly output: string;
}

const NODE_FOLDER = dirname(process.execPath);

const STAND_INS: Readonly<Record<string, string>> = {
  npx: `[ "$1" = keyturn ] || { echo "npx $*: not here" >&2; exit 127; }; shift; exec node '${ROOT}/bin/keyturn.cjs' "$@"`,
  keyturn: `exec node '${ROOT}/bin/keyturn.cjs' "$@"`,
  npm: `case "$*" in
  "init -y") echo '{"name":"shop","version":"1.0.0"}' > package.json ;;
  "install keyturn"|"install --save-dev keyturn") mkdir -p node_modules && ln -sfn '${ROOT}' node_modules/keyturn ;;
  "run dev") echo "ready" ;;
  "run validate:env") exec node '${ROOT}/scripts/validate-env.js' ;;
  *) echo "npm $*: not here" >&2; exit 127 ;;
esac`,
  // As https://docs.doppler.com/docs/cli shows it: an object of names and values, with three of Doppler's own.
  doppler: `case "$*" in
  "secrets download --no-file --format json --project shop --config "*)
    echo '{"DOPPLER_CONFIG":"'"\${8}"'","DOPPLER_ENVIRONMENT":"x","DOPPLER_PROJECT":"shop","RESEND_API_KEY":"re_7Q_x4Wn9Kd2Zb6Rt8Lm","MULTI":"two\\nlines"}' ;;
  *) echo "doppler $*: not here" >&2; exit 2 ;;
esac`,
  // As https://developer.hashicorp.com/vault/docs/commands/kv/get shows it, for KV version 2.
  vault: `case "$*" in
  "kv get -format=json secret/shop/production") echo '{"request_id":"r","data":{"data":{"JWT_SECRET":"Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf","API_URL":"https://api.example"},"metadata":{"version":3}}}' ;;
  "kv get -format=json secret/shop/"*) echo '{"data":{"data":{"api_key":"a value of '"\${4##*/}"'"},"metadata":{"version":1}}}' ;;
  *) echo "vault $*: not here" >&2; exit 2 ;;
esac`,
};

/** Puts programs on a PATH of their own. */
function standIns(folder: string, more: Readonly<Record<string, string>>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries({ ...STAND_INS, ...more })) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

export interface SessionOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly standIns?: Readonly<Record<string, string>> | undefined;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A shell that keeps where it is and what it has exported between commands. */
export class ShellSession {
  readonly folder = join(temporaryFolder(), 'shop');
  readonly #bin: string;
  readonly #env: Record<string, string>;
  /** Where it is, and what it has exported: written by each command's shell for the next. */
  readonly #state: string;

  constructor(options: SessionOptions) {
    mkdirSync(this.folder);
    const own = temporaryFolder();
    this.#bin = standIns(own, options.standIns ?? {});
    this.#state = join(own, 'state');
    this.#env = {
      PATH: `${this.#bin}:${NODE_FOLDER}:${process.env.PATH ?? ''}`,
      HOME: own,
      NO_COLOR: '1',
      KEYTURN_LIVE: 'off',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'Ann',
      GIT_AUTHOR_EMAIL: 'ann@example.com',
      GIT_COMMITTER_NAME: 'Ann',
      GIT_COMMITTER_EMAIL: 'ann@example.com',
      ...options.env,
    };
  }

  /** Where the shell is now. */
  get cwd(): string {
    const text = existsSync(this.#state) ? readFileSync(this.#state, 'utf8') : '';
    return /^cd '(.*)'$/m.exec(text)?.[1] ?? this.folder;
  }

  /** @param terminal whether it runs on a terminal: tables and prompts then are as a reader sees them */
  async run({ text }: Pick<Statement, 'text'>, input = '', terminal = false): Promise<Ran> {
    const script = `[ -f '${this.#state}' ] && . '${this.#state}'\n{\n${text}\n} 2>&1\ncode=$?\n{ echo "cd '$PWD'"; export -p | grep -v ' \\(PWD\\|OLDPWD\\|SHLVL\\|_\\)='; } > '${this.#state}'\nexit $code\n`;
    const [program, args] = terminal
      ? (['script', ['-qec', `stty cols 200; bash -c ${quoted(script)}`, '/dev/null']] as const)
      : (['bash', ['-c', script]] as const);
    const ended = await runProgram(program, args, { cwd: this.cwd, env: this.#env, input, timeoutMs: 120_000 });
    return { code: ended.code ?? -1, output: ended.stdout.replaceAll('\r', '') };
  }
}
