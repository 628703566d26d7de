// A password as PostgreSQL keeps it: a SCRAM-SHA-256 verifier (RFC 5802, 3; RFC 7677), made here, so that the password
// itself is in no statement and no log of the database.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** PostgreSQL's own default (scram_iterations). */
const ITERATIONS = 4096;

/**
 * @param password printable ASCII, so that SASLprep (RFC 4013) leaves it as it is
 * @param salt 16 random bytes
 * @returns `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
 */
export function scramVerifier(password: string, salt: Buffer, iterations = ITERATIONS): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const serverKey = createHmac('sha256', salted).update('Server Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest();
  salted.fill(0);
  clientKey.fill(0);
  const keys = `${storedKey.toString('base64')}:${serverKey.toString('base64')}`;
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${keys}`;
}
