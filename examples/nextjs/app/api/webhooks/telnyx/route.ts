import { telnyxSigned } from '@/lib/webhook-signatures';

export async function POST(request: Request): Promise<Response> {
  const body = await request.text();
  const { headers } = request;
  const signed = telnyxSigned(headers.get('telnyx-signature-ed25519'), headers.get('telnyx-timestamp'), body);
  if (!signed) return new Response('bad signature', { status: 400 });
  return Response.json({ received: true });
}
