// keyturn migrate: brings the vault's schema up to date, or says that it is.
import type { Command } from 'commander';
import { openStore } from '../../store/open-store.ts';
import { SCHEMA_VERSION } from '../../store/schema-version.ts';
import { storePlace } from '../../vault/embedded-vault.ts';
import { type CommonOptions, surroundings, withJson } from '../session.ts';

export function register(program: Command): void {
  withJson(program.command('migrate').description("bring the vault's schema up to date")).action(
    (options: CommonOptions) => {
      const { home, out } = surroundings(options);
      // Opening a store applies what is missing, in one transaction; a vault is never left between two schemas.
      const { store, from } = openStore(storePlace({ home, env: process.env }), {});
      store.close();
      out.data({ from, to: SCHEMA_VERSION });
      if (from === SCHEMA_VERSION)
        out.line(`The vault at ${home.folder} has schema ${SCHEMA_VERSION}: that is the newest.`);
      else out.line(`The vault at ${home.folder} went from schema ${from} to ${SCHEMA_VERSION}.`);
    },
  );
}
