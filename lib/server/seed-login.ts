// Makes a login (or gives one its password anew) without a server running: for demonstrations, and for the account that
// synthetic journeys sign in with. Loaded by `keyturn demo` only.

import { isKeyturnError } from '../errors.ts';
import { hasOwner, invite, isSomebody, openLink, redeemLink } from '../identity/people.ts';
import { ServedPostgres } from '../store/postgres/served-postgres.ts';
import { ServedSqlite } from '../store/served-sqlite.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { compileForSqlite } from '../store/sqlite-compiler.ts';
import type { VaultHome } from '../vault/home.ts';
import type { Env } from '../vault/root-key-files.ts';
import { ServedVault } from '../vault/served-vault.ts';
import { SignIn } from './sign-in.ts';

export interface SeedLoginOptions {
  readonly home: VaultHome;
  readonly env: Env;
  readonly email: string;
  readonly name: string;
  readonly password: string;
  /** The role in the whole vault that a new login gets. */
  readonly role: string;
}

export interface SeededLogin {
  readonly made: boolean;
  /** Whether the vault has an owner: without one, the server's link makes the first. */
  readonly owned: boolean;
}

/** @throws UsageError, StoreError, RootKeyError */
export async function seedLogin(options: SeedLoginOptions): Promise<SeededLogin> {
  const { home, env, email, name, password, role } = options;
  const databaseUrl = env.KEYTURN_DATABASE_URL || undefined;
  const store = databaseUrl
    ? await ServedPostgres.open({ url: databaseUrl, compile: compileForSqlite })
    : new ServedSqlite(SqliteStore.open(home.database, {}));
  const vault = await ServedVault.open({ home, env, store, source: 'keyturn demo' }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const signIn = SignIn.open({
    vault,
    databaseUrl,
    file: home.database,
    publicUrl: 'http://127.0.0.1',
    oidc: undefined,
  });
  try {
    const { system } = vault;
    const made = !(await vault.read(isSomebody(email)));
    const account = await signIn.setAccount(email, name, password);
    if (made) {
      const { secret } = await vault.run(invite(system, email, { role }));
      await vault.run(redeemLink(system, await vault.read(openLink(system, secret)), account));
    }
    return { made, owned: await vault.read(hasOwner()) };
  } finally {
    await signIn.close();
    await vault.close().catch((error: unknown) => {
      if (!isKeyturnError(error)) throw error;
    });
  }
}
