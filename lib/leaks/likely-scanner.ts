// Finds what looks like a secret: values in a provider's own format, and values of high entropy that stand behind a name
// that says so. Pure. Both are long runs of few kinds of characters: those are found by a look at every sixteenth byte, and only
// they, with what stands before them, are looked at closely.
import { LEAK_RULES, type LeakRule, SECRET_WORDS } from '../catalog/leak-rules.ts';

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

const RULES: readonly Compiled[] = LEAK_RULES.map((rule) => ({ ...rule, pattern: new RegExp(rule.expression, 'y') }));

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

const RULES_OF_MARK = new Map<string, Compiled[]>();
for (const rule of RULES) {
  for (const mark of rule.marks) RULES_OF_MARK.set(mark, [...(RULES_OF_MARK.get(mark) ?? []), rule]);
}
const RULE_MARKS = [...RULES_OF_MARK.keys()];
/** Longer marks first: one may begin as another does. */
const byLength = (marks: readonly string[]) => [...marks].sort((a, b) => b.length - a.length).map(escaped);
/** One pass over the text for how values begin, and one over its small letters for the words that names of secrets have. */
const MARKS = new RegExp(byLength(RULE_MARKS).join('|'), 'g');
const WORDS = new RegExp(byLength(SECRET_WORDS).join('|'), 'g');

/** What sets a name, and a value in quotes: `apiKey: "…"`, `"token" => '…'`. Begins after the word in the name. */
const SETTING =
  /[A-Za-z0-9_.-]{0,40}["'`\]]{0,2}\s{0,4}(?::=|=>|[=:])\s{0,4}["'`](?<value>[A-Za-z0-9+/=_.~!@#$%^&*-]{16,512})(?=["'`])/y;
/** `API_KEY=…`, in a file of settings. Begins with the name. */
const PLAIN_SETTING = /[A-Z0-9_]{1,80}=(?<value>[A-Za-z0-9+/=_.~!@#$%^&*-]{16,512})(?=[\s,;]|$)/y;
const NAME_CHARACTERS = 40;
const OF_NAME = tableOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-');
const OF_CLOSING = tableOf('"\'`]');

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

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

/** Every value that is looked for has so many characters of these in a row: a text is looked at once every so many bytes. */
const LEAST_RUN = 16;
/** What a run is made of, and of which kinds. */
const IN_RUN = 8;
const DIGIT = 1;
const SMALL = 2;
const LARGE = 4;
const KIND = new Uint8Array(256);
for (const character of '+/=_.~!@#$%^&*:?-') KIND[character.charCodeAt(0)] = IN_RUN;
for (const character of '0123456789') KIND[character.charCodeAt(0)] = IN_RUN | DIGIT;
for (const character of 'abcdefghijklmnopqrstuvwxyz') KIND[character.charCodeAt(0)] = IN_RUN | SMALL;
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') KIND[character.charCodeAt(0)] = IN_RUN | LARGE;
/** What stands before a value and says what it is: a name that is set to it, the head of a key. */
const BEFORE_RUN = 96;

/**
 * Everything in a text that looks like a secret, in order.
 * @param length how many of the bytes are text; one byte is taken for one character
 */
export function scanLikely(bytes: Buffer, length = bytes.length): LikelyHit[] {
  const hits: LikelyHit[] = [];
  let looked = 0;
  for (let at = LEAST_RUN - 1; at < length; at += LEAST_RUN) {
    let kinds = KIND[bytes[at] as number] as number;
    if (kinds === 0) continue;
    let start = at;
    for (let kind = kinds; start > looked; start -= 1) {
      kind = KIND[bytes[start - 1] as number] as number;
      if (kind === 0) break;
      kinds |= kind;
    }
    let end = at + 1;
    for (let kind = kinds; end < length; end += 1) {
      kind = KIND[bytes[end] as number] as number;
      if (kind === 0) break;
      kinds |= kind;
    }
    looked = end;
    // Small letters alone are words, paths and dotted names.
    if ((kinds & (DIGIT | LARGE)) !== 0 && end - start >= LEAST_RUN)
      lookAtRun(bytes, { start, end: Math.min(length, end + 1), kinds }, hits);
    // On from the next such place at or after its end.
    at = (end | (LEAST_RUN - 1)) - LEAST_RUN;
  }
  return hits;
}

interface Run {
  readonly start: number;
  /** One character more: some rules want to see that the value ends there. */
  readonly end: number;
  readonly kinds: number;
}

function lookAtRun(bytes: Buffer, { start, end, kinds }: Run, hits: LikelyHit[]): void {
  const from = Math.max(0, start - BEFORE_RUN);
  const text = bytes.toString('latin1', from, end);
  const found = hitsOf(text, MARKS, (at, mark) => ruleHit(text, at, RULES_OF_MARK.get(mark) ?? []));
  if ((kinds & DIGIT) !== 0) {
    const taken = (hit: LikelyHit) => found.some((one) => hit.start < one.end && hit.end > one.start);
    const set = hitsOf(text.toLowerCase(), WORDS, (at, word) => settingHit(text, at, word.length));
    found.push(...set.filter((hit) => !taken(hit)));
  }
  found.sort((a, b) => a.start - b.start);
  for (const hit of found) {
    const last = hits.at(-1);
    // What stands before a run was looked at with the run before, too.
    if (last && hit.start + from < last.end) continue;
    hits.push({ ...hit, start: hit.start + from, end: hit.end + from });
  }
}

function hitsOf(text: string, marks: RegExp, look: (at: number, mark: string) => LikelyHit | undefined): LikelyHit[] {
  const hits: LikelyHit[] = [];
  marks.lastIndex = 0;
  for (let found = marks.exec(text); found; found = marks.exec(text)) {
    const hit = look(found.index, found[0]);
    if (!hit) continue;
    hits.push(hit);
    marks.lastIndex = Math.max(marks.lastIndex, hit.end);
  }
  return hits;
}

function ruleHit(text: string, at: number, rules: readonly Compiled[]): LikelyHit | undefined {
  for (const rule of rules) {
    rule.pattern.lastIndex = at;
    const match = rule.pattern.exec(text);
    if (!match) continue;
    const value = match.groups?.secret ?? match[0];
    if (SURE_PLACEHOLDER.test(value) || entropyOf(value) < (rule.entropy ?? 0)) continue;
    const { id, words, severity, page } = rule;
    return { rule: id, words, severity, page, value, start: at, end: at + match[0].length };
  }
  return undefined;
}

const EQUALS = 61;
const COLON = 58;
const SPACE = 32;

/** Whether a name that ends here is set to something: most words of a program are only said. */
function isSet(text: string, after: number): boolean {
  let at = after;
  // The rest of the name, a closing quote or bracket, blanks.
  for (const end = after + NAME_CHARACTERS; at < end && OF_NAME[text.charCodeAt(at)] === 1; at += 1);
  for (const end = at + 2; at < end && OF_CLOSING[text.charCodeAt(at)] === 1; at += 1);
  for (const end = at + 4; at < end && text.charCodeAt(at) === SPACE; at += 1);
  const code = text.charCodeAt(at);
  return code === EQUALS || code === COLON;
}

function settingHit(text: string, at: number, length: number): LikelyHit | undefined {
  const after = at + length;
  if (!isSet(text, after)) return undefined;
  // The name's beginning decides whether a value without quotes is one: NAME=value in a file of settings.
  let begin = at;
  while (begin > 0 && at - begin < NAME_CHARACTERS && OF_NAME[text.charCodeAt(begin - 1)] === 1) begin -= 1;
  SETTING.lastIndex = after;
  PLAIN_SETTING.lastIndex = begin;
  const match = SETTING.exec(text) ?? PLAIN_SETTING.exec(text);
  const value = match?.groups?.value;
  if (!match || value === undefined || !isHighEntropy(value)) return undefined;
  // A provider's own format says more: that rule has its turn.
  if (RULE_MARKS.some((mark) => value.startsWith(mark))) return undefined;
  const start = match.index + match[0].length - value.length;
  return {
    rule: GENERIC_RULE,
    words: `a value that looks random, set as ${text.slice(begin, after).slice(-NAME_CHARACTERS)}`,
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
