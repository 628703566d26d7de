// keyturn keys: the vault's own keys; never their bytes.
import type { Command } from 'commander';
import { systemRandom } from '../../crypto/random.ts';
import { fingerprintOfKey } from '../../crypto/signing.ts';
import { UsageError } from '../../errors.ts';
import { DataKeyRotation, listKeys, rotateRootKey } from '../../vault/data-keys.ts';
import {
  beginRootKeyFileChange,
  configuredRootKey,
  finishRootKeyFileChange,
  newKeyText,
  newPassphraseParameters,
  placeOfRootKey,
  wrappedBy,
} from '../../vault/root-key-files.ts';
import { type CommonOptions, chosenEnvironments, type Session, withJson, withPlace, withSession } from '../session.ts';
import { moment, plural } from '../words.ts';

const KMS_FORMS = 'awskms:<key ARN>, gcpkms:<resource name>, transit:<mount>/<key>';

interface RotateRootOptions extends CommonOptions {
  /** False for none. */
  readonly kms?: string | boolean;
}

function kmsFor({ kms }: RotateRootOptions, now: string | undefined): string | undefined {
  if (kms === false) return undefined;
  if (typeof kms === 'string') return kms;
  return process.env.KEYTURN_KMS || now;
}

export function register(program: Command): void {
  const keys = program.command('keys').description("the vault's own keys: list, rotate-root, rotate-data, generate");
  withJson(keys.command('list').description('list the keys, by id')).action((options: CommonOptions) =>
    withSession('keys list', options, list),
  );
  withJson(keys.command('rotate-root').description('put the vault under a new root key'))
    .option('--kms <key>', `have a key service wrap the new one: ${KMS_FORMS} (KEYTURN_KMS, else as now)`)
    .option('--no-kms', 'keep the new one in the clear, in the key file')
    .action((options: RotateRootOptions) =>
      withSession('keys rotate-root', options, (session) => rotateRoot(session, options)),
    );
  withPlace(keys.command('rotate-data').description('re-seal the values of an environment under a new data key'))
    .option('-a, --all-envs', 'all environments of the project')
    .action((options: CommonOptions & { allEnvs?: boolean }) =>
      withSession('keys rotate-data', options, (session) => rotateData(session, options)),
    );
  keys
    .command('generate')
    .description('print a new root key for SECRETS_ENCRYPTION_KEY; keeps it nowhere')
    .option('--kms <key>', `wrapped by a key service: ${KMS_FORMS}`)
    .action((options: { kms?: string }) => {
      process.stdout.write(newKeyText(systemRandom, process.env, options.kms));
    });
}

function list({ vault, out }: Session): void {
  const { rootKeyId, keys } = vault.run(listKeys(vault.context));
  const signingKey = fingerprintOfKey(vault.context.audit.publicKey);
  out.data({ rootKeyId, rootKeyFrom: placeOfRootKey(vault.rootKeySource), signingKey, keys });
  out.line(`root key     ${rootKeyId}  from ${placeOfRootKey(vault.rootKeySource)}`);
  out.line(`signing key  ${signingKey}  (the console shows the same)`);
  out.line();
  out.table(
    ['key', 'for', 'number', 'state', 'versions', 'made'],
    keys.map((one) => [
      one.keyId,
      one.environment ?? one.purpose,
      String(one.number),
      one.state === 'destroyed' ? out.style('dim', `destroyed ${moment(one.destroyedAt ?? 0)}`) : one.state,
      one.purpose === 'data' ? String(one.versions) : '–',
      moment(one.createdAt),
    ]),
  );
}

function rotateRoot({ vault, out, home }: Session, options: RotateRootOptions): void {
  const { context } = vault;
  const from = context.rootKey.id;
  const current = configuredRootKey(home, process.env);
  const inFile = current === undefined || current.label === home.rootKeyFile;
  if (!vault.rootKeySource.previous && !inFile) {
    throw new UsageError(
      `The vault is under the key from ${vault.rootKeySource.label} already.`,
      'Make a new key with `keyturn keys generate`, set SECRETS_ENCRYPTION_KEY to it and SECRETS_ENCRYPTION_KEY_PREVIOUS to the old one, and run this again.',
    );
  }
  // Under a previous key: the current one is where the vault is to go. Else a new key file is made.
  const target =
    vault.rootKeySource.previous && current
      ? current
      : beginRootKeyFileChange(home, context.random, process.env, kmsFor(options, wrappedBy(vault.rootKeySource)));
  const passphrase = target.passphrase ? newPassphraseParameters(context.random) : undefined;
  const count = vault.run(rotateRootKey(context, target.rootKey(passphrase), passphrase));
  if (target.label === `${home.rootKeyFile}.next`) finishRootKeyFileChange(home);
  out.data({ from, to: context.rootKey.id, keys: count });
  out.line(
    `The vault is under the root key ${context.rootKey.id} now (before: ${from}); ${plural(count, 'key')} rewrapped.`,
  );
  if (target.label === `${home.rootKeyFile}.next`) {
    out.line(
      `The new key is in ${home.rootKeyFile}; the old one is kept in ${home.rootKeyFile}.previous, for backups made before.`,
    );
  } else {
    out.line(
      'Take SECRETS_ENCRYPTION_KEY_PREVIOUS away once every process has the new key. Backups made before still need the old one.',
    );
  }
}

async function rotateData(session: Session, options: { allEnvs?: boolean }): Promise<void> {
  const { vault, out } = session;
  const ended: { environment: string; resumed: boolean; versions: number }[] = [];
  for (const environment of chosenEnvironments(session, options)) {
    const rotation = new DataKeyRotation(vault.context, {
      project: environment.project,
      environment: environment.name,
    });
    const resumed = vault.run(rotation.begin());
    if (resumed) out.note(`Taking up a rotation in ${environment.name} that was cut off.`);
    const progress = out.progress(`Re-sealing ${environment.name}`);
    while (vault.run(rotation.step())) {
      progress.at(rotation.progress.done, rotation.progress.total);
      // Lets signals in between batches.
      await new Promise(setImmediate);
    }
    vault.run(rotation.finish());
    progress.done();
    ended.push({ environment: environment.name, resumed, versions: rotation.progress.done });
    out.line(
      `${environment.name}: ${plural(rotation.progress.done, 'version')} re-sealed under a new data key; the old one is destroyed.`,
    );
  }
  vault.store.truncateLog();
  out.data(ended);
}
