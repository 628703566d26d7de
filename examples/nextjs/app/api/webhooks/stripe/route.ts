import { secretsManager } from 'keyturn';
import { stripeSigned } from '@/lib/webhook-signatures';

export async function POST(request: Request): Promise<Response> {
  const body = await request.text();
  const signature = request.headers.get('stripe-signature');
  if (stripeSigned(signature, body)) return Response.json({ received: true });
  // In a rotation both endpoints deliver: the new secret may be known to Stripe a moment before it is known here.
  await secretsManager.refresh();
  if (stripeSigned(signature, body)) return Response.json({ received: true });
  return new Response('bad signature', { status: 400 });
}
