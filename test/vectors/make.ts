// Makes format-1.json: envelopes, a backup and an audit log as this program wrote them when the formats were fixed, and
// hostile variants. Run by hand when a format gets a new number, never to make a failing test pass:
//   node test/vectors/make.ts > test/vectors/format-2.json
import { createHash } from 'node:crypto';
import { anchorOf, signCheckpoint } from '../../lib/audit/checkpoint.ts';
import { type AuditEntry, canonicalEntry, genesisHash, hashEntry, macOf } from '../../lib/audit/entry.ts';
import { sealEnvelope, versionContext } from '../../lib/crypto/envelope.ts';
import { RootKey } from '../../lib/crypto/root-key.ts';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { signingKeyFromSeed } from '../../lib/crypto/signing.ts';
import { a256cbcHs512 } from '../../lib/crypto/suites/a256cbc-hs512.ts';
import { a256gcm } from '../../lib/crypto/suites/a256gcm.ts';
import { sealBackup } from '../../lib/vault/backup-format.ts';

/** Bytes that are the same in every run. */
const bytes = (label: string, length: number) =>
  createHash('shake256', { outputLength: length }).update(label).digest();

let drawn = 0;
const random = (length: number) => {
  drawn += 1;
  return bytes(`random ${drawn}`, length);
};

const root = bytes('root key', 32);
const keyId = bytes('key id', 16);
const key = bytes('data key', 32);
const context = versionContext('DEFAULT', 'PRODUCTION', 'JWT_SECRET', 7);
const plaintext = Buffer.from('a value: ünïcode, and a line\nbreak');

function hostile(envelope: Buffer): { why: string; envelope: string }[] {
  const changed = (why: string, change: (copy: Buffer) => Buffer) => ({
    why,
    envelope: change(Buffer.from(envelope)).toString('hex'),
  });
  const setByte = (at: number, value: number) => (copy: Buffer) => {
    copy[at] = value;
    return copy;
  };
  const last = envelope.length - 1;
  return [
    changed('empty', () => Buffer.alloc(0)),
    changed('header only', (copy) => copy.subarray(0, 20)),
    changed('other magic', setByte(0, 0x4c)),
    changed('format 0', setByte(2, 0)),
    changed('format 2', setByte(2, 2)),
    changed('suite 0', setByte(3, 0)),
    changed('suite 255', setByte(3, 255)),
    changed('the other suite', setByte(3, envelope[3] === 1 ? 2 : 1)),
    changed('other key id', setByte(4, (envelope[4] ?? 0) ^ 1)),
    changed('other IV', setByte(20, (envelope[20] ?? 0) ^ 0x80)),
    changed('other ciphertext', setByte(40, (envelope[40] ?? 0) ^ 1)),
    changed('other tag', setByte(last, (envelope[last] ?? 0) ^ 1)),
    changed('one byte cut off', (copy) => copy.subarray(0, last)),
    changed('one byte more', (copy) => Buffer.concat([copy, Buffer.alloc(1)])),
    changed('a tag of zeros', (copy) => copy.fill(0, copy.length - (copy[3] === 1 ? 32 : 16))),
  ];
}

const envelopes = [a256cbcHs512, a256gcm].map((suite) => {
  const envelope = sealEnvelope(new SealingKey(keyId, key), suite, context, plaintext, random);
  return { suite: suite.name, envelope: envelope.toString('hex'), hostile: hostile(envelope) };
});

const record = {
  project: 'default',
  environment: 'production',
  name: 'JWT_SECRET',
  type: 'jwt_secret',
  intervalDays: 90,
  owner: null,
  labels: { team: 'core' },
  version: 7,
  rotatedAt: 1_767_225_600_000,
  value: plaintext,
};
const backup = sealBackup(
  new RootKey(root),
  [record],
  { vault: '00'.repeat(16), now: 1_767_225_600_000, passphrase: undefined },
  random,
);

const vault = 'ab'.repeat(16);
const auditKey = new SealingKey(bytes('audit id', 16), bytes('audit key', 32)).deriveKey('keyturn/v1/audit-mac');
let hash = genesisHash(vault, 'main');
const entries = ['secret.set', 'secret.read'].map((action, index) => {
  const entry: AuditEntry = {
    chain: 'main',
    seq: index + 1,
    time: 1_767_225_600_000 + index,
    principal: 'ann',
    action,
    outcome: 'ok',
    project: 'default',
    environment: 'production',
    secret: 'JWT_SECRET',
    version: 7,
    source: 'keyturn set 1@host',
    details: index === 0 ? '{"origin":"set","size":34}' : null,
  };
  hash = hashEntry(hash, entry);
  return { canonical: canonicalEntry(entry), hash: hash.toString('hex'), mac: macOf(auditKey, hash).toString('hex') };
});
const signing = signingKeyFromSeed(bytes('seed', 32));
const checkpoint = signCheckpoint(signing, {
  format: 1,
  vault,
  number: 1,
  time: 1_767_225_600_002,
  heads: [{ chain: 'main', seq: 2, hash: hash.toString('base64url') }],
  previous: null,
});

process.stdout.write(
  `${JSON.stringify(
    {
      root: root.toString('hex'),
      rootKeyId: new RootKey(root).id,
      keyId: keyId.toString('hex'),
      key: key.toString('hex'),
      context,
      plaintext: plaintext.toString('hex'),
      envelopes,
      backup,
      audit: {
        vault,
        auditKey: bytes('audit key', 32).toString('hex'),
        entries,
        publicKey: signing.publicKey.toString('hex'),
        checkpoint: {
          body: checkpoint.body,
          signature: Buffer.from(checkpoint.signature).toString('hex'),
          anchor: anchorOf(checkpoint),
        },
      },
    },
    undefined,
    1,
  )}\n`,
);
