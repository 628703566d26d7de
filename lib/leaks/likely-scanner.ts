// Finds what looks like a secret: values in a provider's own format, and values of high entropy that stand behind a name
// that says so. Pure; a text is looked through once for all marks, and rules are asked only on the lines that have one.
import { LEAK_RULES, type LeakRule, SECRET_WORDS } from '../catalog/leak-rules.ts';

/** A line is looked at around its mark only: minified files have lines of megabytes. */
const AROUND_CHARACTERS = 400;
const GENERIC_RULE = 'high-entropy-value';
/** Bits a character: random base64 of 20 characters has about 4, an English word or identifier rarely 3.5. */
const GENERIC_ENTROPY = 3.6;
const HEX_ENTROPY = 3;

export interface LikelyHit {
  readonly rule: string;
  readonly words: string;
  readonly severity: LeakRule['severity'];
  readonly page: string | undefined;
  /** The value itself: only for its print, and never shown. */
  readonly value: string;
  /** Characters from the beginning of the text. */
  readonly start: number;
  readonly end: number;
}

interface Compiled extends LeakRule {
  readonly pattern: RegExp;
}

const RULES: readonly Compiled[] = LEAK_RULES.map((rule) => ({ ...rule, pattern: new RegExp(rule.expression, 'g') }));

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/** A letter in both cases. */
function anyCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

const RULES_OF_MARK = new Map<string, Compiled[]>();
for (const rule of RULES) {
  for (const mark of rule.marks) RULES_OF_MARK.set(mark, [...(RULES_OF_MARK.get(mark) ?? []), rule]);
}
const RULE_MARKS = [...RULES_OF_MARK.keys()];
/** One pass over the text for all marks: those of rules, and the words that names of secrets have. */
const MARKS = new RegExp(
  [...[...RULES_OF_MARK.keys()].map(escaped), ...SECRET_WORDS.map((word) => anyCase(escaped(word)))].join('|'),
  'g',
);

/** A name that ends with one of the words, what sets it, and a value: `apiKey: "…"`, `API_KEY=…`, `"token" => '…'`. */
const SETTING =
  /^[A-Za-z0-9_.-]{0,40}["'`\]]{0,2}\s{0,4}(?::=|=>|[=:])\s{0,4}(?:["'`]|(?<=^[A-Z0-9_]{0,44}=))(?<value>[A-Za-z0-9+/=_.~!@#$%^&*-]{16,512})(?=["'`\s,;]|$)/;
const PLACEHOLDER =
  /example|placeholder|your(?:[-_]|pass|secret|token|api|key)|change[-_]?me|insert|replace|dummy|fake[-_]|sample|x{5,}|\*{4}|\.{3}|1234567|abcdefg|0{6}|test[-_]?(?:key|token|secret|value)|process\.env|import\.meta|lorem|foobar|redacted/i;
/** What no key has by chance, however long it is. */
const SURE_PLACEHOLDER = /x{6,}|0{8,}|\*{4}|\.{3}|example|placeholder|your[-_]|change[-_]me|1234567890/i;
/** Only letters in words, paths, versions and addresses: nobody's secret. */
const PROSE = /^[A-Za-z]+$|^[a-z0-9]+(?:[-_.][a-z]+)+$|^[A-Z0-9]+(?:_[A-Z0-9]+)+$|^(?:\.{0,2}\/|@)[\w./@-]+$|^\w+:\/\//;

/** Shannon entropy of the characters, in bits each. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Everything in the text that looks like a secret, in order. */
export function scanLikely(text: string): LikelyHit[] {
  const hits: LikelyHit[] = [];
  const taken: { start: number; end: number }[] = [];
  const overlaps = (start: number, end: number) => taken.some((one) => start < one.end && end > one.start);
  MARKS.lastIndex = 0;
  for (let found = MARKS.exec(text); found; found = MARKS.exec(text)) {
    const rules = RULES_OF_MARK.get(found[0]);
    const hit = rules ? ruleHit(text, found.index, rules) : settingHit(text, found.index, found[0].length);
    if (!hit || overlaps(hit.start, hit.end)) continue;
    taken.push(hit);
    hits.push(hit);
    MARKS.lastIndex = Math.max(MARKS.lastIndex, hit.end);
  }
  return hits.sort((a, b) => a.start - b.start);
}

function ruleHit(text: string, at: number, rules: readonly Compiled[]): LikelyHit | undefined {
  const from = Math.max(0, at - AROUND_CHARACTERS);
  const part = text.slice(from, at + 2 * AROUND_CHARACTERS);
  for (const rule of rules) {
    rule.pattern.lastIndex = 0;
    for (const match of part.matchAll(rule.pattern)) {
      const start = from + match.index;
      // The mark has to be in it: another one on the line has its own turn.
      if (start > at || start + match[0].length <= at) continue;
      const value = match.groups?.secret ?? match[0];
      if (SURE_PLACEHOLDER.test(value) || entropyOf(value) < (rule.entropy ?? 0)) continue;
      const { id, words, severity, page } = rule;
      return { rule: id, words, severity, page, value, start, end: start + match[0].length };
    }
  }
  return undefined;
}

function settingHit(text: string, at: number, length: number): LikelyHit | undefined {
  const after = at + length;
  // The name's beginning decides whether a value without quotes is one: NAME=value in a file of settings.
  let begin = at;
  while (begin > 0 && at - begin < 40 && /[A-Za-z0-9_]/.test(text[begin - 1] ?? '')) begin -= 1;
  const match = SETTING.exec(text.slice(begin, after + AROUND_CHARACTERS + 200));
  const value = match?.groups?.value;
  if (!match || value === undefined || !isHighEntropy(value)) return undefined;
  // A provider's own format says more: that rule has its turn.
  if (RULE_MARKS.some((mark) => value.includes(mark))) return undefined;
  const start = begin + match[0].length - value.length;
  return {
    rule: GENERIC_RULE,
    words: `a value that looks random, set as ${text.slice(begin, after).slice(0, 40)}`,
    severity: 'medium',
    page: undefined,
    value,
    start,
    end: start + value.length,
  };
}

function isHighEntropy(value: string): boolean {
  if (PLACEHOLDER.test(value) || PROSE.test(value)) return false;
  if (/^[0-9a-fA-F]+$/.test(value)) return value.length >= 32 && entropyOf(value) >= HEX_ENTROPY;
  const mixed = /[0-9]/.test(value) && /[A-Za-z]/.test(value);
  return mixed && entropyOf(value) >= GENERIC_ENTROPY;
}
