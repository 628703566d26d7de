// Small helpers on bytes that every other file of this folder needs.
import { timingSafeEqual } from 'node:crypto';

/**
 * Encodes text fields so that no two different lists give the same bytes: each field is its UTF-8 length as an
 * unsigned 32-bit big-endian number, then its bytes.
 */
export function encodeFields(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    const bytes = Buffer.from(field, 'utf8');
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** Compares two byte strings in time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A Buffer over the same memory (a driver gives plain Uint8Arrays). */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The text that these bytes are, or undefined where they are not well-formed UTF-8. */
export function asUtf8(bytes: Uint8Array): string | undefined {
  const text = asBuffer(bytes).toString('utf8');
  // U+FFFD can stand in well-formed text too, so a second look is needed only where it appears.
  if (!text.includes('�')) return text;
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}
