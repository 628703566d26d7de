// keyturn init: makes the vault, or adds a project or an environment to it.
import type { Command } from 'commander';
import { StoreError } from '../../errors.ts';
import { ensureEnvironment } from '../../vault/create.ts';
import { EmbeddedVault } from '../../vault/embedded-vault.ts';
import { STANDARD_ENVIRONMENTS } from '../../vault/names.ts';
import { wrappedBy } from '../../vault/root-key-files.ts';
import type { Output } from '../output.ts';
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
  withPlace(program.command('init').description('make the vault here, or add an environment or project to it'))
    .option(
      '--kms <key>',
      'have a key service wrap its root key: awskms:<key ARN>, gcpkms:<resource name>, transit:<mount>/<key>',
    )
    .action((options: CommonOptions & { kms?: string }) => {
      // As the variable does it, for this process.
      if (options.kms !== undefined) process.env.KEYTURN_KMS = options.kms;
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
        if (rootKeyFile) sayRootKey(out, rootKeyFile, wrappedBy(vault.rootKeySource));
        if (made) out.line('Next: `keyturn import .env`, or `keyturn set NAME`.');
      } finally {
        vault.close();
      }
    });
}

function sayRootKey(out: Output, file: string, wrapped: string | undefined): void {
  out.line(`Its root key is in ${file} (mode 0600). Keep a copy elsewhere: without it nothing opens.`);
  out.line(
    wrapped === undefined
      ? 'For production, set it as SECRETS_ENCRYPTION_KEY and take the file off the machine.'
      : `It is wrapped by ${wrapped}: it opens nothing without that service. Other machines take the same text as SECRETS_ENCRYPTION_KEY.`,
  );
}
