// The formats of docs/formats.md: files written when they were fixed open for ever, an implementation that shares no line
// with ours reads them, and hostile variants are refused.
import { createDecipheriv, createHash, createHmac, createPublicKey, hkdfSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkpointSigned } from '../../lib/audit/checkpoint.ts';
import { openEnvelope } from '../../lib/crypto/envelope.ts';
import { RootKey } from '../../lib/crypto/root-key.ts';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { DecryptionError } from '../../lib/errors.ts';
import { openBackup, parseBackup } from '../../lib/vault/backup-format.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const vectors = JSON.parse(readFileSync(new URL('../vectors/format-1.json', import.meta.url), 'utf8'));
const hkdf = (key: Buffer, info: string, length: number) => Buffer.from(hkdfSync('sha512', key, '', info, length));

/** An envelope opened by docs/formats.md alone. */
function openByTheBook(key: Buffer, context: string[], envelope: Buffer): Buffer {
  const fields = context.flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return [length, Buffer.from(text)];
  });
  const associated = Buffer.concat([envelope.subarray(0, 20), ...fields]);
  if (envelope[3] === 2) {
    const gcm = createDecipheriv('aes-256-gcm', hkdf(key, 'keyturn/v1/suite/A256GCM', 32), envelope.subarray(20, 32));
    gcm.setAAD(associated).setAuthTag(envelope.subarray(-16));
    return Buffer.concat([gcm.update(envelope.subarray(32, -16)), gcm.final()]);
  }
  const keys = hkdf(key, 'keyturn/v1/suite/A256CBC-HS512', 64);
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(associated.length * 8));
  const mac = createHmac('sha512', keys.subarray(0, 32));
  const tag = mac
    .update(Buffer.concat([associated, envelope.subarray(20, -32), bits]))
    .digest()
    .subarray(0, 32);
  expect(tag.equals(envelope.subarray(-32))).toBe(true);
  const cbc = createDecipheriv('aes-256-cbc', keys.subarray(32), envelope.subarray(20, 36));
  return Buffer.concat([cbc.update(envelope.subarray(36, -32)), cbc.final()]);
}

describe.each(vectors.envelopes as { suite: string; envelope: string; hostile: { why: string; envelope: string }[] }[])(
  'an envelope of $suite, format 1',
  ({ envelope, hostile }) => {
    const key = new SealingKey(hex(vectors.keyId), hex(vectors.key));

    it('opens, here and by the book', () => {
      expect(openEnvelope(key, vectors.context, hex(envelope)).toString('hex')).toBe(vectors.plaintext);
      expect(openByTheBook(hex(vectors.key), vectors.context, hex(envelope)).toString('hex')).toBe(vectors.plaintext);
    });

    it.each(hostile)('is refused: $why', (variant) => {
      expect(() => openEnvelope(key, vectors.context, hex(variant.envelope))).toThrow(DecryptionError);
    });
  },
);

it('a root key has the id and wrapping key of the book', () => {
  const root = hex(vectors.root);
  expect(new RootKey(root).id).toBe(vectors.rootKeyId);
  expect(hkdf(root, 'keyturn/v1/root/id', 16).toString('hex')).toBe(vectors.rootKeyId);
});

it('a backup, format 1, opens, here and by the book', () => {
  const [record] = openBackup('vector', parseBackup('vector', vectors.backup), new RootKey(hex(vectors.root)));
  expect(record).toMatchObject({ name: 'JWT_SECRET', environment: 'production', labels: { team: 'core' }, version: 7 });
  expect(record?.value.toString('hex')).toBe(vectors.plaintext);
  const { payload, ...header } = JSON.parse(vectors.backup);
  const wrapping = hkdf(hex(vectors.root), 'keyturn/v1/root/wrap', 32);
  const wrapped = ['keyturn/v1/wrapped-key', 'backup', header.vault, header.keyId];
  const key = openByTheBook(wrapping, wrapped, Buffer.from(header.wrappedKey, 'base64url'));
  const plain = openByTheBook(key, ['keyturn/v1/backup', JSON.stringify(header)], Buffer.from(payload, 'base64'));
  const length = plain.readUInt32BE(0);
  expect(JSON.parse(plain.subarray(4, 4 + length).toString())).toMatchObject({ name: 'JWT_SECRET' });
  expect(plain.subarray(8 + length).toString('hex')).toBe(vectors.plaintext);
});

it('audit entries and checkpoints, format 1, verify by the book', () => {
  const { audit } = vectors;
  const macKey = hkdf(hex(audit.auditKey), 'keyturn/v1/audit-mac', 32);
  let hash = createHash('sha256')
    .update(JSON.stringify(['keyturn/v1/audit', audit.vault, 'main']))
    .digest();
  for (const entry of audit.entries) {
    hash = createHash('sha256').update(hash).update(entry.canonical).digest();
    expect(hash.toString('hex')).toBe(entry.hash);
    expect(createHmac('sha256', macKey).update(hash).digest('hex')).toBe(entry.mac);
  }
  const { body, signature, anchor } = audit.checkpoint;
  expect(JSON.parse(body).heads).toEqual([{ chain: 'main', seq: 2, hash: hash.toString('base64url') }]);
  const spki = createPublicKey({
    key: Buffer.concat([hex('302a300506032b6570032100'), hex(audit.publicKey)]),
    format: 'der',
    type: 'spki',
  });
  expect(verify(null, Buffer.from(`keyturn/v1/checkpoint\n${body}`), spki, hex(signature))).toBe(true);
  expect(checkpointSigned(hex(audit.publicKey), { body, signature: hex(signature) })).toBe(true);
  expect(anchor).toBe(`kta1-1-${createHash('sha256').update(body).digest('hex')}`);
});
