// /v1/keys and /v1/backups: the vault's own keys, and its backups.
import { basename, join } from 'node:path';
import { z } from 'zod';
import { FileError, isKeyturnError, NotFoundError, UsageError } from '../../errors.ts';
import { backupOf } from '../../rotation/rotator.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import { listBackups, openBackupFile, readBackupFile } from '../../vault/backup-files.ts';
import type { BackupRecord } from '../../vault/backup-format.ts';
import { planRestore, restoreRecords, selectRecords } from '../../vault/backups.ts';
import type { VaultContext } from '../../vault/context.ts';
import { ensureEnvironment } from '../../vault/create.ts';
import { DataKeyRotation, listKeys, rotateRootKey } from '../../vault/data-keys.ts';
import {
  beginRootKeyFileChange,
  configuredRootKey,
  finishRootKeyFileChange,
  leaseFor,
  newPassphraseParameters,
  wrappedBy,
} from '../../vault/root-key-files.ts';
import { type Answer, change, sent } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const key = z.object({
  keyId: z.string(),
  purpose: z.string(),
  environment: z.string().nullable(),
  number: z.int(),
  state: z.enum(['active', 'retiring', 'destroyed']),
  createdAt: schema.when,
  destroyedAt: schema.when.nullable(),
  versions: z.int(),
});

export function registerVault(app: Api, service: Service): void {
  keys(app, service);
  backups(app, service);
}

function keys(app: Api, service: Service): void {
  app.get(
    '/v1/keys',
    {
      config: { permission: 'keys' },
      schema: {
        tags: ['keys'],
        summary: "List the vault's own keys, by id: never their bytes",
        response: { 200: z.object({ rootKeyId: z.string(), keys: z.array(key) }), ...schema.problems },
      },
    },
    (request) => service.vault.read(listKeys(contextOf(service, request))),
  );
  app.post(
    '/v1/keys/rotate-data',
    {
      config: { permission: 'keys' },
      schema: {
        tags: ['keys'],
        summary: 'Re-seal the values of an environment under a new data key, while reads and writes go on',
        body: schema.inEnvironment,
        response: { 200: z.object({ resumed: z.boolean(), versions: z.int() }), ...schema.problems },
      },
    },
    async (request) => {
      const rotation = new DataKeyRotation(contextOf(service, request), request.body);
      const resumed = await service.vault.run(rotation.begin());
      // Others have their turn between the batches.
      while (await service.vault.run(rotation.step())) await new Promise(setImmediate);
      await service.vault.run(rotation.finish());
      return { resumed, versions: rotation.progress.done };
    },
  );
  app.post(
    '/v1/keys/rotate-root',
    {
      config: { permission: 'keys' },
      schema: {
        tags: ['keys'],
        summary: 'Put the vault under a new root key: the one that the server is configured with, or a new key file',
        body: z.object({}),
        response: { 200: z.object({ from: z.string(), to: z.string(), keys: z.int() }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      await service.vault.read(ctx.authorize('keys', { action: 'key.rotate_root' }));
      return rotateRoot(ctx, service);
    },
  );
}

/** As `keyturn keys rotate-root` does it. */
async function rotateRoot(ctx: VaultContext, service: Service): Promise<{ from: string; to: string; keys: number }> {
  const { home, rootKeySource } = service.vault;
  const from = ctx.rootKey.id;
  const current = configuredRootKey(home, process.env);
  const inFile = current === undefined || current.label === home.rootKeyFile;
  if (!rootKeySource.previous && !inFile) {
    throw new UsageError(
      `The vault is under the key from ${rootKeySource.label} already.`,
      'Start every server with the new key as SECRETS_ENCRYPTION_KEY and the old one as SECRETS_ENCRYPTION_KEY_PREVIOUS, then ask again.',
    );
  }
  const target =
    rootKeySource.previous && current
      ? current
      : beginRootKeyFileChange(home, ctx.random, process.env, wrappedBy(rootKeySource));
  const passphrase = target.passphrase ? newPassphraseParameters(ctx.random) : undefined;
  const keys = await service.vault.run(rotateRootKey(ctx, target.rootKey(passphrase), passphrase));
  if (target.label === `${home.rootKeyFile}.next`) finishRootKeyFileChange(home);
  ctx.state.lease?.stop();
  ctx.state.lease = leaseFor(target.wrapped, process.env, ctx.clock);
  return { from, to: ctx.rootKey.id, keys };
}

const FILE = /^secrets-backup-[0-9-]{10,40}\.json$/;
const backup = z.object({
  file: z.string(),
  createdAt: z.string(),
  secrets: z.int(),
  rootKeyId: z.string(),
  size: z.int(),
});
const ofFile = z.object({ file: z.string().max(80) });

function backups(app: Api, service: Service): void {
  const home = () => service.vault.home;
  /** A file of the backup folder, and of no other. @throws NotFoundError */
  const pathOf = (file: string): string => {
    const known = FILE.test(file) && listBackups(home()).some((one) => basename(one.path) === file);
    if (known) return join(home().backups, file);
    throw new NotFoundError(
      'KT_NOT_FOUND',
      'There is no such backup.',
      'The list of backups has those that there are.',
    );
  };
  /** One under a root key that is not at hand is a backup that cannot be used here, not a server that is out of order. */
  const opened = (path: string): BackupRecord[] => {
    try {
      return openBackupFile(home(), process.env, path, readBackupFile(path));
    } catch (error) {
      if (!isKeyturnError(error) || !error.code.startsWith('KT_ROOT_KEY')) throw error;
      throw new FileError('KT_BACKUP_INVALID', error.text);
    }
  };
  app.get(
    '/v1/backups',
    {
      config: { permission: 'backup' },
      schema: {
        tags: ['backups'],
        summary: 'List backups',
        response: { 200: z.object({ backups: z.array(backup) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      await service.vault.read(ctx.authorize('backup', { action: 'backup.verify' }));
      await service.vault.read(logTransaction(ctx.log([{ action: 'backup.verify', details: { list: true } }])));
      return { backups: listBackups(home()).map(({ path, ...one }) => ({ file: basename(path), ...one })) };
    },
  );
  app.post(
    '/v1/backups',
    {
      config: { permission: 'backup' },
      schema: {
        tags: ['backups'],
        summary: 'Make a backup of every secret in use, sealed as a whole',
        body: z.object({}),
        response: { 201: z.object({ file: z.string(), secrets: z.int() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { path, secrets } = yield* backupOf({ context: ctx, home: home() }, 'asked');
        return { status: 201, body: { file: basename(path), secrets } };
      }),
  );
  app.get(
    '/v1/backups/:file',
    {
      config: { permission: 'backup' },
      schema: {
        tags: ['backups'],
        summary: 'Download a backup: sealed, of use only with the root key',
        params: ofFile,
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      await service.vault.read(ctx.authorize('backup', { action: 'backup.verify' }));
      const path = pathOf(request.params.file);
      await service.vault.read(
        logTransaction(ctx.log([{ action: 'backup.verify', details: { download: request.params.file } }])),
      );
      reply.send(readBackupFile(path));
      return sent(reply);
    },
  );
  app.post(
    '/v1/backups/:file/verify',
    {
      config: { permission: 'backup', reads: true },
      schema: {
        tags: ['backups'],
        summary: 'Open a backup, to see that it can be restored',
        params: ofFile,
        body: z.object({}),
        response: {
          200: z.object({ opens: z.boolean(), secrets: z.int(), why: z.string().optional() }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      await service.vault.read(ctx.authorize('backup', { action: 'backup.verify' }));
      const path = pathOf(request.params.file);
      await service.vault.read(
        logTransaction(ctx.log([{ action: 'backup.verify', details: { file: request.params.file } }])),
      );
      try {
        const records = opened(path);
        for (const record of records) record.value.fill(0);
        return { opens: true, secrets: records.length };
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        return { opens: false, secrets: 0, why: error.text.what };
      }
    },
  );
  app.post(
    '/v1/backups/:file/restore',
    {
      config: { permission: 'restore' },
      schema: {
        tags: ['backups'],
        summary: 'Restore from a backup: each value that differs becomes a new version',
        params: ofFile,
        body: z.object({ names: z.array(schema.name).max(1000).default([]), dryRun: z.boolean().default(false) }),
        response: {
          200: z.object({
            dryRun: z.boolean(),
            secrets: z.array(
              z.object({
                project: z.string(),
                environment: z.string(),
                name: z.string(),
                outcome: z.string(),
                version: z.int(),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { names, dryRun } = request.body;
        yield* ctx.authorize('restore', { action: 'backup.restore' });
        const path = pathOf(request.params.file);
        const records = opened(path);
        try {
          const chosen = selectRecords(records, names);
          if (dryRun) return { status: 200, body: { dryRun, secrets: yield* planRestore(ctx, chosen) } };
          for (const record of chosen) yield* ensureEnvironment(ctx, record);
          yield* backupOf({ context: ctx, home: home() }, 'restore');
          return { status: 200, body: { dryRun, secrets: yield* restoreRecords(ctx, chosen, request.params.file) } };
        } finally {
          for (const record of records) record.value.fill(0);
        }
      }),
  );
}
