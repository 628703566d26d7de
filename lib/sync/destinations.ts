// The destinations that a project has declared, ready to be asked.
import { isAbsolute, join } from 'node:path';
import { nameKey } from '../catalog/catalog.ts';
import type { DestinationConfig, FromConfig } from '../config/operations.ts';
import { matcher } from '../vault/access.ts';
import type { Place } from '../vault/places.ts';
import type { Destination } from './destination.ts';
import { DotenvFile } from './dotenv-file.ts';
import { GitHubPlace } from './github.ts';
import { KeyturnPlace } from './keyturn-server.ts';
import { VercelPlace } from './vercel.ts';

/** Where something is taken from: what the configuration does not say is as commands mean it. */
export function placeFrom(from: FromConfig | undefined, otherwise: Place): Place {
  return {
    project: from?.project ?? otherwise.project,
    environment: from?.environment ?? otherwise.environment,
  };
}

/** What opens a destination, or makes other keys, goes where it is named, and nowhere because a pattern happens to fit. */
function takenBy(patterns: readonly string[], keptBack: (name: string) => boolean): (name: string) => boolean {
  const fits = matcher(patterns);
  const isNamed = matcher(patterns.filter((pattern) => !pattern.includes('*')));
  return (name) => isNamed(name) || (fits(name) && !keptBack(name));
}

/**
 * @param root the project's folder: files are named from there
 * @param otherwise the place that commands mean when nobody says
 * @param manages whether a secret makes other keys: those of an application have no use for it
 */
export function destinationsOf(
  declared: Readonly<Record<string, DestinationConfig>>,
  root: string,
  otherwise: Place,
  manages: (name: string) => boolean,
): Destination[] {
  const credentials = new Set(Object.values(declared).map((one) => ('token' in one ? nameKey(one.token) : '')));
  return Object.entries(declared).map(([id, config]) => {
    const renamed = new Map(Object.entries(config.rename ?? {}).map(([from, to]) => [nameKey(from), to]));
    const common = {
      id,
      from: placeFrom(config.from, otherwise),
      probe: config.probe,
      takes: takenBy(config.secrets, (name) => manages(name) || credentials.has(nameKey(name))),
      nameOf: (name: string) => renamed.get(nameKey(name)) ?? name,
    };
    switch (config.kind) {
      case 'vercel':
        return new VercelPlace(common, config);
      case 'github':
        return new GitHubPlace(common, config);
      case 'dotenv':
        return new DotenvFile(common, isAbsolute(config.path) ? config.path : join(root, config.path));
      default:
        return new KeyturnPlace(common, config);
    }
  });
}
