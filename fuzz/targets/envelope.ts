// Envelopes: bytes from a database that somebody may have changed. None opens but the ones that were sealed, in their own place.
import { openEnvelope, readEnvelopeHeader, sealEnvelope, versionContext } from '../../lib/crypto/envelope.ts';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { DEFAULT_SUITE, suiteByName } from '../../lib/crypto/suites/registry.ts';
import { answers, type FuzzTarget, fixedRandom, holds } from '../target.ts';

const random = fixedRandom(1);
const key = new SealingKey(random(16), random(32));
const context = versionContext('default', 'production', 'JWT_SECRET', 1);
const gcm = suiteByName('A256GCM') ?? DEFAULT_SUITE;
const sealed = [DEFAULT_SUITE, gcm].flatMap((suite) =>
  ['', 'v', 'a value of a usual length, forty bytes..', 'x'.repeat(300)].map((value) =>
    sealEnvelope(key, suite, context, Buffer.from(value), random),
  ),
);

export const target: FuzzTarget = {
  name: 'envelope',
  seeds: () => sealed,
  run: (input) => {
    const header = readEnvelopeHeader(input);
    const opened = answers(() => openEnvelope(key, context, input));
    const original = sealed.some((one) => one.equals(input));
    holds((opened !== undefined) === original, 'what opens is exactly what was sealed');
    holds(opened === undefined || header !== undefined, 'what opens has a header');
    const elsewhere = versionContext('default', 'production', 'JWT_SECRET', 2);
    holds(answers(() => openEnvelope(key, elsewhere, input)) === undefined, 'nothing opens in another place');
  },
};
