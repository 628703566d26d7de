// Sessions signed with JWT_SECRET. After a rotation the version before stays valid for its grace: whoever was signed in
// stays so.
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { secretsManager } from 'keyturn';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Signs with the version in use. */
export function signSession(userId: string): Promise<string> {
  return new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(bytes(secretsManager.getSecret('jwt_secret')));
}

/** Accepts what any of the valid versions has signed. @returns undefined for a token that none of them has */
export async function readSession(token: string): Promise<JWTPayload | undefined> {
  const payload = await verified(token);
  if (payload) return payload;
  // Another instance may sign with a version that came into use a moment ago.
  await secretsManager.refresh();
  return verified(token);
}

async function verified(token: string): Promise<JWTPayload | undefined> {
  for (const { value } of secretsManager.getSecretVersions('jwt_secret')) {
    try {
      const { payload } = await jwtVerify(token, bytes(value), { algorithms: ['HS256'] });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return undefined;
}
