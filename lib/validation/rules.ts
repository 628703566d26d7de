// The rules that look at one value. Pure: value in, findings out.
import type { Buffer } from 'node:buffer';
import type { SecretRule } from '../catalog/catalog.ts';
import { matchingFormat } from '../catalog/match.ts';
import { asUtf8 } from '../crypto/bytes.ts';
import { type Finding, type RuleName, type Severity, severityFor } from './finding.ts';
import { looksRandom, type Strength, strengthOf } from './strength.ts';

export interface Subject {
  readonly name: string;
  readonly environment: string;
  readonly rule: SecretRule;
  readonly value: Buffer;
}

export interface Judgement {
  readonly findings: Finding[];
  /** Undefined where strength does not apply. */
  readonly strength: Strength | undefined;
}

/** What people leave in a file for later. Compared with the folded value. */
const PLACEHOLDERS = [
  /^(change|replace)[-_ ]?(me|this|it)/,
  /^(your|my|the)[-_ ].*(key|secret|token|password|here|url)/,
  /(key|secret|token|password)[-_ ]?here$/,
  /^(todo|tbd|fixme|none|null|undefined|n\/a|placeholder|example|sample|dummy|default|secret|password|test|xxx+|\*\*\*+|\.\.\.+)$/,
  /^<.*>$/,
  /^\$\{.*\}$/,
  /(changeme|placeholder|insert[-_ ]?your|your[-_ ]?api[-_ ]?key)/,
];

const COMMON_PATTERNS: readonly { pattern: RegExp; words: string }[] = [
  { pattern: /(.)\1{5,}/, words: 'one character six or more times in a row' },
  { pattern: /^(.{1,8})\1{2,}$/, words: 'one piece repeated' },
  {
    pattern: /(0123456|1234567|abcdefg|qwertyu|asdfghj)/i,
    words: 'a run along the alphabet, the digits or the keyboard',
  },
  { pattern: /(password|letmein|welcome|admin123|iloveyou)/i, words: 'a word that every cracker tries first' },
];

/** Bits below which a value is weak: 80 stand against any offline search within reach today (NIST SP 800-131A). */
const WEAK_BITS = 60;
const FAIR_BITS = 80;

class Judge {
  readonly findings: Finding[] = [];
  readonly #subject: Subject;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  find(rule: RuleName, severity: Severity, what: string, why: string, mend: string): void {
    const { name: secret, environment } = this.#subject;
    this.findings.push({ rule, severity, secret, environment, what, why, mend });
  }
}

/** Judges one value by its rule. */
export function judgeValue(subject: Subject): Judgement {
  const judge = new Judge(subject);
  const text = asUtf8(subject.value);
  if (text === undefined) return judgeBinary(judge, subject);
  if (isPlaceholder(text)) {
    judge.find(
      'placeholder',
      subject.rule.known?.group === 'critical' ? 'critical' : 'high',
      'The value is a placeholder.',
      'Whatever needs it does not work, or works with a value that everyone knows.',
      mendBy(subject),
    );
    return { findings: judge.findings, strength: subject.rule.strength ? strengthOf(text) : undefined };
  }
  judgeSpace(judge, text, subject);
  judgePublicName(judge, subject);
  if (subject.rule.url) judgeUrl(judge, text, subject);
  judgeFormat(judge, text, subject);
  const strength = subject.rule.strength ? judgeStrength(judge, text, subject) : undefined;
  return { findings: judge.findings, strength };
}

/** How to get a better value, for this secret. */
function mendBy({ name, rule }: Subject): string {
  if (rule.generate) return `Run \`keyturn rotate ${name}\`: Keyturn makes a strong one.`;
  if (rule.known?.page)
    return `Make a new one at ${rule.known.page}, then run \`keyturn rotate ${name}\` and paste it.`;
  return `Get a new one from whoever issues it, then run \`keyturn rotate ${name}\` and paste it.`;
}

function isPlaceholder(text: string): boolean {
  const folded = text.trim().toLowerCase();
  return PLACEHOLDERS.some((pattern) => pattern.test(folded));
}

function judgeBinary(judge: Judge, subject: Subject): Judgement {
  const { rule, value } = subject;
  if (rule.formats.length > 0 || rule.url) {
    judge.find(
      'not-text',
      severityFor(rule.risk),
      'The value is not text.',
      `A ${rule.type.title.toLowerCase()} of this kind is text; the application cannot use these bytes.`,
      mendBy(subject),
    );
  }
  const even = new Set(value).size / Math.min(256, value.length);
  if (!rule.strength) return { findings: judge.findings, strength: undefined };
  const bits = Math.round(value.length * 8 * Math.min(1, even));
  return {
    findings: judge.findings,
    strength: { bits, score: Math.round(Math.min(1, bits / 128) * 100), method: 'statistics', classes: 4 },
  };
}

function judgeSpace(judge: Judge, text: string, subject: Subject): void {
  // A PEM block ends with a line break, and should.
  if (text === text.trim() || text.startsWith('-----BEGIN ')) return;
  judge.find(
    'surrounding-space',
    'medium',
    'The value begins or ends with white space.',
    'It was probably pasted with it, and most services refuse the key then.',
    `Set it again without: \`keyturn set ${subject.name}\`.`,
  );
}

function judgePublicName(judge: Judge, subject: Subject): void {
  if (!/^(NEXT_PUBLIC|VITE|PUBLIC|REACT_APP|EXPO_PUBLIC)_/i.test(subject.name)) return;
  if (!subject.rule.strength) return;
  judge.find(
    'public-name',
    'critical',
    'The name makes the build put this value into the browser.',
    'Frameworks inline variables with this prefix into the pages: everyone who visits can read it.',
    'Keep it under a name without the prefix, and rotate it if it was ever deployed.',
  );
}

function judgeUrl(judge: Judge, text: string, subject: Subject): void {
  const severity = severityFor(subject.rule.risk);
  if (!URL.canParse(text)) {
    judge.find(
      'bad-url',
      severity,
      'The value is not an address.',
      'Whatever calls it cannot.',
      'Give a whole address, such as https://example.com/path.',
    );
    return;
  }
  const url = new URL(text);
  const local = /^(localhost|127\.|\[::1\]|0\.0\.0\.0|.*\.local$)/.test(url.hostname);
  if (local && subject.environment === 'production') {
    judge.find(
      'local-url',
      'high',
      'The address is of this machine.',
      'In production nothing answers there.',
      'Give the address of the live service.',
    );
  } else if (url.protocol !== 'https:' && !local) {
    judge.find(
      'insecure-url',
      'high',
      'The address is not https.',
      'What is sent there can be read and changed on the way.',
      'Use the https address.',
    );
  }
  if (url.password) {
    judge.find(
      'credentials-in-url',
      'medium',
      'The address has a password in it.',
      'Addresses end up in logs.',
      'Keep the password as a secret of its own.',
    );
  }
}

function judgeFormat(judge: Judge, text: string, subject: Subject): void {
  const { rule, environment } = subject;
  if (rule.formats.length === 0) return;
  const format = matchingFormat(rule, text);
  const words = rule.formats.map((one) => one.words).join(' or ');
  if (!format && rule.formatsConfirmed) {
    const severity = rule.known?.group === 'critical' ? 'critical' : severityFor(rule.risk);
    judge.find(
      'bad-format',
      severity,
      `The value does not look like ${words}.`,
      'It was probably cut off, or is of another service.',
      mendBy(subject),
    );
    return;
  }
  if (!format) {
    judge.find(
      'unusual-format',
      'low',
      `The value does not look like ${words}.`,
      'The provider may have changed its format; if not, the key was cut off or is of another service.',
      'Compare it with the provider’s page.',
    );
    return;
  }
  if (format.retiring) {
    judge.find(
      'retiring-format',
      'medium',
      `The value is ${format.words}.`,
      'Its provider is ending this form.',
      format.retiring,
    );
  }
  if (format.mode === 'test' && environment === 'production') {
    judge.find(
      'test-key',
      'critical',
      `The value is ${format.words}, in production.`,
      'Real customers are served by the test system: no payment is real.',
      mendBy(subject),
    );
  }
  if (format.mode === 'live' && environment !== 'production') {
    judge.find(
      'live-key',
      'high',
      `The value is ${format.words}, outside production.`,
      'A mistake while developing moves real money and reads real customers.',
      'Use a test key here.',
    );
  }
}

function judgeStrength(judge: Judge, text: string, subject: Subject): Strength {
  const { rule } = subject;
  const strength = strengthOf(text);
  const severity = severityFor(rule.risk);
  const length = [...text].length;
  if (rule.minLength !== undefined && length < rule.minLength) {
    judge.find(
      'too-short',
      severity,
      `The value has ${length} characters; ${rule.minLength} or more are wanted.`,
      'Short secrets can be found by trying.',
      mendBy(subject),
    );
  }
  // What a provider issues in its own form is as strong as the provider makes it.
  if (rule.formats.length > 0 && matchingFormat(rule, text)) return strength;
  const common = COMMON_PATTERNS.find(({ pattern }) => pattern.test(text));
  if (common) {
    judge.find(
      'common-pattern',
      severity,
      `The value holds ${common.words}.`,
      'Crackers try such patterns first.',
      mendBy(subject),
    );
  }
  if (strength.bits < FAIR_BITS) {
    const weak = strength.bits < WEAK_BITS;
    const bits = Math.floor(strength.bits);
    judge.find(
      strength.method === 'zxcvbn' ? 'guessable' : 'low-entropy',
      weak ? severity : 'low',
      `The value has about ${bits} bits of strength; ${FAIR_BITS} or more are wanted.`,
      strength.method === 'zxcvbn'
        ? 'It looks chosen by a person: dictionaries and rules find it.'
        : 'It is too even to be random enough.',
      mendBy(subject),
    );
  }
  if (rule.type.name === 'password' && strength.classes < 3 && !looksRandom(text)) {
    judge.find(
      'few-classes',
      'low',
      `The value uses ${strength.classes} of the 4 kinds of characters.`,
      'Mixed case, digits and signs make guessing slower.',
      mendBy(subject),
    );
  }
  return strength;
}
