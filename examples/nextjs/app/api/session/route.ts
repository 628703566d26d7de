// Who is signed in, by a bearer token that this application has given.
import { readSession, signSession } from '@/lib/session';

export async function GET(request: Request): Promise<Response> {
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  const session = token === undefined ? undefined : await readSession(token);
  if (!session) return Response.json({ error: 'not signed in' }, { status: 401 });
  return Response.json({ user: session.sub });
}

/** Signs in whoever asks: an example has no passwords. */
export async function POST(): Promise<Response> {
  return Response.json({ token: await signSession('user-1') });
}
