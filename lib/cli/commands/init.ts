// keyturn init: makes the vault, or adds a project or an environment to it.
import type { Command } from 'commander';
import { StoreError } from '../../errors.ts';
import { ensureEnvironment } from '../../vault/create.ts';
import { EmbeddedVault } from '../../vault/embedded-vault.ts';
import { STANDARD_ENVIRONMENTS } from '../../vault/names.ts';
import { type CommonOptions, type Surroundings, surroundings, vaultOptions, withPlace } from '../session.ts';

/** Makes the vault where there is none, and the standard environments of its default project. */
export function makeVault(
  around: Surroundings,
  source: string,
): {
  vault: EmbeddedVault;
  rootKeyFile: string | undefined;
  made: boolean;
} {
  try {
    return { ...EmbeddedVault.create(vaultOptions(around, source)), made: true };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'KT_VAULT_EXISTS') throw error;
    return { vault: EmbeddedVault.open(vaultOptions(around, source)), rootKeyFile: undefined, made: false };
  }
}

export function register(program: Command): void {
  withPlace(program.command('init').description('make the vault here, or add an environment or project to it')).action(
    (options: CommonOptions) => {
      const around = surroundings(options);
      const { out, home, at } = around;
      const { vault, rootKeyFile, made } = makeVault(around, 'init');
      try {
        const wanted =
          options.env || options.project ? [at] : STANDARD_ENVIRONMENTS.map((environment) => ({ ...at, environment }));
        const added = wanted.filter((place) => vault.run(ensureEnvironment(vault.context, place)));
        out.data({
          folder: home.folder,
          made,
          rootKeyFile: rootKeyFile ?? null,
          added: added.map((one) => one.environment),
        });
        if (made) out.line(`Made a vault at ${home.folder}.`);
        else if (added.length === 0) out.line(`The vault at ${home.folder} has that already.`);
        for (const place of added)
          if (!made) out.line(`Added the environment ${place.environment} to the project ${place.project}.`);
        if (rootKeyFile) {
          out.line(`Its root key is in ${rootKeyFile} (mode 0600). Keep a copy elsewhere: without it nothing opens.`);
          out.line('For production, set it as SECRETS_ENCRYPTION_KEY and take the file off the machine.');
        }
        if (made) out.line('Next: `keyturn import .env`, or `keyturn set NAME`.');
      } finally {
        vault.close();
      }
    },
  );
}
