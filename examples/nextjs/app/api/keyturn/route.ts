// Tells Keyturn which versions this application uses, so that "live" is seen and not assumed. It shows no value, and tells
// nothing at all to who does not have the probe key.
import { secretsManager } from 'keyturn';
import { versionReport } from 'keyturn/client';

export const dynamic = 'force-dynamic';

export const GET = versionReport({
  key: process.env.KEYTURN_PROBE_KEY,
  names: ['JWT_SECRET', 'STRIPE_WEBHOOK_SECRET'],
  get: (name) => secretsManager.getSecret(name),
});
