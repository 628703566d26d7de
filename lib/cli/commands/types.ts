// keyturn types: writes a declaration of the names that there are, so that an editor completes them and a compiler finds
// those that are not. Names only.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { EmbeddedSecrets } from '../../facade/embedded-secrets.ts';
import { openRemote } from '../../facade/open-remote.ts';
import { replaceFile } from '../../vault/files.ts';
import { type CommonOptions, surroundings, withPlace } from '../session.ts';
import { plural } from '../words.ts';

const FILE = 'keyturn.d.ts';

/** The declaration's text. */
function declaration(names: readonly string[]): string {
  const lines = [...names]
    .sort()
    .map((name) => `    ${/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)}: string;`);
  return `// Written by \`keyturn types\`: the names of the secrets that there are. Names only; keep it with the code.
import 'keyturn/client';

declare module 'keyturn/client' {
  interface KnownSecrets {
${lines.join('\n')}
  }
}
`;
}

export function register(program: Command): void {
  withPlace(
    program
      .command('types')
      .description('write a declaration of the names for TypeScript; of the server’s where KEYTURN_URL is set'),
  )
    .option('-o, --output <file>', `where to (${FILE})`)
    .action((options: CommonOptions & { output?: string }) => {
      const { at, out } = surroundings(options);
      const manager = openRemote({}) ?? new EmbeddedSecrets({ project: at.project, environment: at.environment });
      try {
        const names = manager.listSecrets().map((one) => one.name);
        const file = resolve(options.output ?? FILE);
        replaceFile(file, declaration(names), 0o644);
        out.data({ file, names });
        out.line(`${plural(names.length, 'name')} written to ${file}.`);
      } finally {
        manager.close();
      }
    });
}
