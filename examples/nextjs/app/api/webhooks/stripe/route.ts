import { stripeSigned } from '@/lib/webhook-signatures';

export async function POST(request: Request): Promise<Response> {
  const body = await request.text();
  if (!stripeSigned(request.headers.get('stripe-signature'), body))
    return new Response('bad signature', { status: 400 });
  return Response.json({ received: true });
}
