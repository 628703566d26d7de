// A value that does not show itself: printing, JSON and `inspect` give a placeholder; only `.reveal()` and `.bytes()`
// give what it holds.
import { inspect } from 'node:util';
import { UsageError } from '../errors.ts';
import { asUtf8, equalBytes } from './bytes.ts';

const REDACTED = '[secret]';

/**
 * A secret's value in memory. It keeps its own copy, which `destroy()` zeroes.
 * @example
 * using value = new SecretValue(Buffer.from('s3cret'));
 * console.log(`${value}`);   // [secret]
 * value.reveal();            // 's3cret'
 */
export class SecretValue {
  readonly #bytes: Buffer;
  #destroyed = false;

  /** @param bytes copied; the caller zeroes its own. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  /** Takes text as UTF-8. */
  static fromText(text: string): SecretValue {
    const bytes = Buffer.from(text, 'utf8');
    const value = new SecretValue(bytes);
    bytes.fill(0);
    return value;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#bytes.length;
  }

  /**
   * The value as text.
   * @throws UsageError when it is not UTF-8 (use `bytes()`), or was destroyed.
   */
  reveal(): string {
    const text = asUtf8(this.#live());
    if (text === undefined) throw new UsageError('The value is binary, not text.', 'Read it with `bytes()`.');
    return text;
  }

  /** A copy of the bytes; the caller zeroes it. */
  bytes(): Buffer {
    return Buffer.from(this.#live());
  }

  /** Compares in constant time. */
  equals(other: SecretValue): boolean {
    return equalBytes(this.#live(), other.#live());
  }

  /** Zeroes the bytes. The value cannot be read after that. */
  destroy(): void {
    this.#bytes.fill(0);
    this.#destroyed = true;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }

  #live(): Buffer {
    if (this.#destroyed) throw new UsageError('The value was destroyed.', 'Read the secret again.');
    return this.#bytes;
  }
}
