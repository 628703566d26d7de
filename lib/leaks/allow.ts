// The allow file: findings that are no leaks, each with a reason. `.keyturn-allow.yaml` at the project's root.
import { matchesGlob } from 'node:path';
import { z } from 'zod';
import { readYaml } from '../config/yaml-text.ts';
import { UsageError } from '../errors.ts';
import { KNOWN_RULE, type LeakFinding } from './finding.ts';

export const ALLOW_FILE = '.keyturn-allow.yaml';

const entrySchema = z
  .strictObject({
    /** Which value: what the finding says as its print. */
    print: z
      .string()
      .regex(/^[0-9a-f]{16}$/, 'a print is 16 hexadecimal digits')
      .optional(),
    /** Which files: a glob from the project's root. */
    path: z.string().min(1).optional(),
    rule: z.string().min(1).optional(),
    reason: z.string().trim().min(8, 'say why in a few words (8 characters or more)'),
    /** A day after which it counts no longer. */
    until: z.iso.date().optional(),
  })
  .refine((one) => one.print !== undefined || one.path !== undefined, { message: 'give a print, a path, or both' })
  .refine((one) => one.rule !== KNOWN_RULE || one.print !== undefined, {
    message: 'a value of your own vault is allowed by its print only',
  });

const fileSchema = z.array(entrySchema);

export interface AllowEntry extends z.infer<typeof entrySchema> {
  readonly line: number;
}

/** @throws UsageError KT_CONFIG_INVALID with the line */
export function parseAllowFile(text: string, path = ALLOW_FILE): AllowEntry[] {
  const read = readYaml(text);
  if ('brokenAt' in read) throw invalid(path, read.brokenAt, 'it is not YAML');
  const parsed = fileSchema.safeParse(read.value ?? []);
  const lineOf = (index: PropertyKey | undefined) => read.lineOf(index === undefined ? [] : [index]);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(path, lineOf(issue?.path[0]), `${issue?.path.slice(1).join('.') || 'entry'}: ${issue?.message}`);
  }
  return parsed.data.map((entry, index) => ({ ...entry, line: lineOf(index) }));
}

function invalid(path: string, line: number, what: string): UsageError {
  return new UsageError(
    `${path}, line ${line}: ${what}.`,
    'Each entry has a print or a path, and a reason; docs/leaks.md shows one.',
    'KT_CONFIG_INVALID',
  );
}

export interface Sorted {
  readonly findings: readonly LeakFinding[];
  readonly allowed: readonly { readonly finding: LeakFinding; readonly reason: string }[];
  /** Entries that fit nothing, or whose day is past. */
  readonly stale: readonly AllowEntry[];
}

/** @param today `2026-11-25` */
export function sortOut(findings: readonly LeakFinding[], entries: readonly AllowEntry[], today: string): Sorted {
  const live = entries.filter((entry) => entry.until === undefined || entry.until >= today);
  const used = new Set<AllowEntry>();
  const left: LeakFinding[] = [];
  const allowed: { finding: LeakFinding; reason: string }[] = [];
  for (const finding of findings) {
    const entry = live.find((one) => fits(one, finding));
    if (entry) {
      used.add(entry);
      allowed.push({ finding, reason: entry.reason });
    } else left.push(finding);
  }
  return { findings: left, allowed, stale: entries.filter((entry) => !used.has(entry)) };
}

function fits(entry: AllowEntry, finding: LeakFinding): boolean {
  // A path alone never allows what is known to be a secret of this vault.
  if (finding.rule === KNOWN_RULE && entry.print === undefined) return false;
  if (entry.print !== undefined && entry.print !== finding.print) return false;
  if (entry.rule !== undefined && entry.rule !== finding.rule) return false;
  return entry.path === undefined || matchesGlob(finding.path, entry.path);
}
