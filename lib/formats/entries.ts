// What the text formats have in common: names with values, and what could not be read.

import type { Problem } from './problem.ts';

export interface TextEntry {
  readonly name: string;
  /** UTF-8, or the bytes of a binary value. Zeroed by whoever takes the entry. */
  readonly value: Buffer;
  /** Counted from 1. */
  readonly line: number;
  /** Where the value ends, for formats in which it may go over several lines. */
  readonly lastLine?: number;
}

export interface ParsedText {
  readonly entries: readonly TextEntry[];
  /** What cannot be read: with any, nothing should be taken. */
  readonly problems: readonly Problem[];
  /** What was read, but perhaps not as meant. */
  readonly notes: readonly Problem[];
}

/** A value to be written. */
export interface NamedValue {
  readonly name: string;
  readonly value: Buffer;
}

export const FORMAT_NAMES = ['dotenv', 'json', 'yaml', 'shell'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];
