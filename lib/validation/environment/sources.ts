// Where an environment's variables come from: dotenv files in the order in which Next.js and Vite read them, the process, and
// Vercel. Files are read by whoever calls; this decides which of them make which environment.
import type { TextEntry } from '../../formats/entries.ts';

export interface SourceFile {
  /** Its name in the project's folder: `.env.production`. */
  readonly name: string;
  readonly entries: readonly TextEntry[];
}

/** One variable as an environment has it. */
export interface Present {
  readonly name: string;
  /** Undefined where only that it is there can be seen: Vercel does not show sensitive values. */
  readonly value: Buffer | undefined;
  /** The file, and the line in it; undefined for the process and Vercel. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** One environment as it would be. */
export interface Looked {
  /** `development`, `production`, … */
  readonly environment: string;
  /** In words: "the files .env, .env.production", "the process", "Vercel". */
  readonly from: string;
  readonly present: readonly Present[];
}

/** Files that hold no values of any environment. */
const TEMPLATES = /\.(?:example|sample|template|dist|defaults|vault)$/;
const DOTENV = /^\.env(?:\.([A-Za-z0-9_-]+))?(\.local)?$/;

/** Whether a file of the folder is one to look at. */
export function isDotenvFile(name: string): boolean {
  return DOTENV.test(name) && !TEMPLATES.test(name);
}

/** The environments that have a file of their own; `development` where there are only general ones. */
export function environmentsOf(names: readonly string[]): string[] {
  const own = names.flatMap((name) => {
    const environment = DOTENV.exec(name)?.[1];
    return environment && environment !== 'local' ? [environment] : [];
  });
  if (own.length === 0 && names.length > 0) return ['development'];
  return [...new Set(own)];
}

/** Next.js's order, the later over the earlier (nextjs.org, "Environment Variables"). */
function layersOf(environment: string): string[] {
  const local = environment === 'test' ? [] : ['.env.local'];
  return ['.env', ...local, `.env.${environment}`, `.env.${environment}.local`];
}

/** What an environment's files come to. */
export function fromFiles(environment: string, files: readonly SourceFile[]): Looked {
  const layers = layersOf(environment)
    .map((name) => files.find((one) => one.name === name))
    .filter((one) => one !== undefined);
  const found = new Map<string, Present>();
  for (const { name: file, entries } of layers) {
    for (const { name, value, line } of entries) found.set(name, { name, value, file, line });
  }
  const names = layers.map((one) => one.name).join(', ');
  return { environment, from: names, present: [...found.values()] };
}

/** The process's own variables; empty ones count as not there. */
export function fromProcess(environment: string, env: Readonly<Record<string, string | undefined>>): Looked {
  const present = Object.entries(env).flatMap(([name, text]) =>
    text ? [{ name, value: Buffer.from(text, 'utf8'), file: undefined, line: undefined }] : [],
  );
  return { environment, from: 'the process', present };
}
