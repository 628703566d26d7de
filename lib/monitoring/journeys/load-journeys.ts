// The journeys that there are: those that come with Keyturn, and the project's own in journeys/*.ts (or .js), which take the
// place of one of the same name.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { requireOwnFile } from '../../config/own-file.ts';
import { UsageError } from '../../errors.ts';
import { BUILT_IN } from './built-in.ts';
import type { Journey } from './journey.ts';

const FOLDER = 'journeys';

const stepSchema = z.strictObject({
  name: z.string().min(1).max(100),
  run: z.function(),
  retries: z.number().int().min(0).max(10).optional(),
  timeoutMs: z.number().int().min(1).max(600_000).optional(),
  always: z.boolean().optional(),
});
const journeySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'use lower-case letters, digits and -'),
  description: z.string().optional(),
  baseUrl: z.url().optional(),
  steps: z.array(stepSchema).min(1),
});

export interface FoundJourney {
  readonly journey: Journey;
  /** Where it is declared; undefined for one that comes with Keyturn. */
  readonly file: string | undefined;
}

/** @param root the project's folder. @throws UsageError KT_CONFIG_INVALID naming file and key */
export async function loadJourneys(root: string): Promise<FoundJourney[]> {
  const found = new Map<string, FoundJourney>(BUILT_IN.map((journey) => [journey.name, { journey, file: undefined }]));
  for (const file of journeyFiles(root)) {
    const journey = await loadJourney(join(root, FOLDER, file), `${FOLDER}/${file}`);
    found.set(journey.name, { journey, file: `${FOLDER}/${file}` });
  }
  return [...found.values()];
}

function journeyFiles(root: string): string[] {
  try {
    return readdirSync(join(root, FOLDER))
      .filter((file) => /^[^.].*\.(?:[cm]?js|m?ts)$/.test(file) && !/\.d\.[cm]?ts$/.test(file))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function loadJourney(path: string, shown: string): Promise<Journey> {
  requireOwnFile(path);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    throw invalid(`${shown} cannot be loaded: ${(error as Error).message.split('\n')[0]}`);
  }
  const checked = journeySchema.safeParse(loaded.default);
  if (checked.success) return loaded.default as Journey;
  const [issue] = checked.error.issues;
  throw invalid(`${shown}: ${issue?.path.map(String).join('.') || 'its default export'}: ${issue?.message}`);
}

function invalid(what: string): UsageError {
  return new UsageError(`${what}.`, 'docs/journeys.md shows how a journey is declared.', 'KT_CONFIG_INVALID');
}
