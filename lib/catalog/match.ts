// Does a value have the form that its rule asks for? One answer, used by validation (a finding) and by rotation (a step).
import type { SecretRule } from './catalog.ts';
import type { FormatRule } from './known-secrets.ts';

/** The form that a value has, or undefined where it has none of those that its rule knows. */
export function matchingFormat(rule: SecretRule, text: string): FormatRule | undefined {
  return rule.formats.find((format) => new RegExp(`^(?:${format.expression})$`, 'su').test(text));
}

/** Why a new value may come into use, but should not stay; undefined where it is fine. Never says the value. */
export function weakness(rule: SecretRule, text: string): string | undefined {
  const length = [...text].length;
  if (rule.minLength === undefined || length >= rule.minLength) return undefined;
  return `It has ${length} characters; a ${rule.type.title} has ${rule.minLength} or more.`;
}

/** Why a new value may not come into use; undefined where it may. Never says the value. */
export function unfitness(rule: SecretRule, text: string): string | undefined {
  if (rule.url && !URL.canParse(text)) return 'it is not an address';
  if (rule.formats.length > 0 && rule.formatsConfirmed && !matchingFormat(rule, text)) {
    return `it does not have the form of ${rule.formats.map((format) => format.words).join(' or ')}`;
  }
  return undefined;
}
