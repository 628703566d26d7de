// Reads and checks a configuration file. Errors name the line and the key.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Catalog, type CatalogAdditions } from '../catalog/catalog.ts';
import type { KnownSecret } from '../catalog/known-secrets.ts';
import type { TypeRule } from '../catalog/types.ts';
import { UsageError } from '../errors.ts';
import { type CheckedConfig, configSchema, httpProvider } from './schema.ts';
import { readYaml } from './yaml-text.ts';

export interface LoadedConfig {
  readonly config: CheckedConfig;
  readonly additions: CatalogAdditions;
}

function invalid(what: string): UsageError {
  return new UsageError(what, 'docs/configuration.md has every key.', 'KT_CONFIG_INVALID');
}

/** The line of a key in a JSON text that was read before. */
function lineInJson(text: string, path: readonly PropertyKey[]): number {
  const read = readYaml(text);
  return 'lineOf' in read ? read.lineOf(path) : 1;
}

/** The line of a key in a program's text: each key of the path is looked for after the one before it. */
function lineInProgram(text: string, path: readonly PropertyKey[]): number {
  let at = 0;
  for (const key of path) {
    const escaped = String(key).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = text.slice(at).search(new RegExp(`(?<![\\w$])["']?${escaped}["']?\\s*:`));
    if (found < 0) break;
    at += found;
  }
  return text.slice(0, at).split('\n').length;
}

function readValue(path: string, text: string): unknown {
  if (path.endsWith('.json')) {
    const read = readYaml(text);
    if ('brokenAt' in read) throw invalid(`${path}, line ${read.brokenAt}: it is not JSON.`);
    return read.value;
  }
  try {
    const loaded = createRequire(import.meta.url)(path) as { default?: unknown };
    return loaded.default ?? loaded;
  } catch (error) {
    throw invalid(`${path} cannot be loaded: ${(error as Error).message.split('\n')[0]}.`);
  }
}

function additionsOf(config: CheckedConfig): CatalogAdditions {
  const types = Object.entries(config.types ?? {}).map(([name, type]): TypeRule => {
    const { title, ...rest } = type;
    return { ...withoutUndefined(rest), name, title: title ?? name.replaceAll('_', ' ') };
  });
  const secrets = Object.entries(config.secrets ?? {}).map(([name, secret]) => {
    const { formats, ...rest } = secret;
    // What the project itself says of a format is meant: it blocks.
    return { ...withoutUndefined(rest), name, ...(formats && { formats, formatsConfirmed: true }) } as KnownSecret;
  });
  return { types, secrets };
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

/** @throws UsageError KT_CONFIG_INVALID */
export function loadConfig(path: string): LoadedConfig {
  return parseConfig(path, readFileSync(path, 'utf8'));
}

/**
 * Checks a configuration's text; a program (`.ts`, `.js`) is loaded from its path, and its text is looked at for lines only.
 * @throws UsageError KT_CONFIG_INVALID
 */
export function parseConfig(path: string, text: string): LoadedConfig {
  const checked = configSchema.safeParse(readValue(path, text));
  if (!checked.success) {
    const lineOf = path.endsWith('.json') ? lineInJson : lineInProgram;
    const problems = checked.error.issues.map((issue) => {
      // An unknown key is reported at its parent: the line that helps is the key's own.
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
      const key = [...issue.path, ...unknown];
      return `  line ${lineOf(text, key)}, ${key.map(String).join('.') || 'the whole file'}: ${issue.message}`;
    });
    throw invalid(`${path} is not valid:\n${problems.join('\n')}\n`);
  }
  checkOwnProviders(path, text, checked.data);
  const additions = additionsOf(checked.data);
  const unknownType = Object.entries(checked.data.secrets ?? {}).find(
    ([, secret]) => secret.type && !knownType(secret.type, additions),
  );
  if (unknownType) {
    const [name, secret] = unknownType;
    const line = (path.endsWith('.json') ? lineInJson : lineInProgram)(text, ['secrets', name, 'type']);
    throw invalid(`${path} is not valid:\n  line ${line}, secrets.${name}.type: there is no type "${secret.type}"\n`);
  }
  return { config: checked.data, additions: completed(additions) };
}

/** A provider of the project's own has nothing that may be left to it. */
function checkOwnProviders(path: string, text: string, config: CheckedConfig): void {
  for (const [id, provider] of Object.entries(config.providers ?? {})) {
    if (provider.kind !== 'http') continue;
    const issue = httpProvider.safeParse(provider).error?.issues[0];
    if (!issue) continue;
    const key = ['providers', id, ...issue.path];
    const line = (path.endsWith('.json') ? lineInJson : lineInProgram)(text, key);
    throw invalid(`${path} is not valid:\n  line ${line}, ${key.map(String).join('.')}: ${issue.message}\n`);
  }
}

function knownType(type: string, additions: CatalogAdditions): boolean {
  return new Catalog(additions).typeNames.includes(type);
}

/** A secret that is the project's own needs a type, a group and a purpose; the catalogue's have theirs. */
function completed(additions: CatalogAdditions): CatalogAdditions {
  const plain = new Catalog();
  const secrets = (additions.secrets ?? []).map((secret) => {
    if (plain.find(secret.name)) return secret;
    return {
      ...secret,
      type: secret.type ?? plain.typeFor(secret.name),
      group: secret.group ?? 'optional',
      purpose: secret.purpose ?? 'declared in the configuration',
    };
  });
  return { ...additions, secrets };
}
