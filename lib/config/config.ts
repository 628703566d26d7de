// What the rest of the program takes from a project's configuration, and the defaults without one. Reading the file is
// in load-config.ts, which is loaded only where there is a file: most starts need no schema library.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Catalog } from '../catalog/catalog.ts';
import { DEFAULT_SUITE, suiteByName } from '../crypto/suites/registry.ts';
import type { Suite } from '../crypto/suites/suite.ts';
import type * as LoadConfig from './load-config.ts';
import type { OperationsConfig } from './operations.ts';
import { requireOwnFile } from './own-file.ts';

export interface ProjectConfig {
  /** The file it came from, if any. */
  readonly path: string | undefined;
  readonly catalog: Catalog;
  readonly suite: Suite;
  readonly project: string | undefined;
  readonly environment: string | undefined;
  /** Providers, destinations, services, the schedule and alerts. */
  readonly operations: OperationsConfig;
}

const FILES = [
  'keyturn.config.ts',
  'keyturn.config.mts',
  'keyturn.config.js',
  'keyturn.config.mjs',
  'keyturn.config.json',
];

/**
 * The project's configuration, or the defaults where it has none.
 * @throws UsageError KT_CONFIG_INVALID with line and key, or where the file is another user's
 */
export function projectConfig(root: string): ProjectConfig {
  const path = FILES.map((file) => join(root, file)).find((file) => existsSync(file));
  if (!path) {
    return {
      path,
      catalog: new Catalog(),
      suite: DEFAULT_SUITE,
      project: undefined,
      environment: undefined,
      operations: {},
    };
  }
  requireOwnFile(path);
  // require() of an ES module is synchronous, as the facade's getSecret has to be. This file is TypeScript in the source
  // tree and JavaScript where it was built; its neighbour is the same.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const { loadConfig } = createRequire(import.meta.url)(`./load-config${extension}`) as typeof LoadConfig;
  const { additions, config } = loadConfig(path);
  return {
    path,
    catalog: new Catalog(additions),
    suite: (config.suite && suiteByName(config.suite)) ?? DEFAULT_SUITE,
    project: config.project,
    environment: config.environment,
    operations: config,
  };
}
