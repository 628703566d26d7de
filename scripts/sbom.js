// Writes dist/sbom.cdx.json (CycloneDX 1.5): what the package is installed with, from the lock file, and what the build has bundled
// into it. Not by `npm sbom`: that leaves out what is also a peer of something, and tells where this machine fetched each from.
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lib/set-up.js';

const DIST = join(ROOT, 'dist');
const read = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

/** As purl-spec has it for npm: a scope's @ is encoded. */
function purlOf({ name, version }) {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

/** `sha512-<base64>`, as npm writes it, in hexadecimal. */
function hashesOf(integrity) {
  const [, algorithm, encoded] = /^(sha\d+)-(.+)$/.exec(integrity ?? '') ?? [];
  if (!algorithm) return [];
  return [{ alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(encoded, 'base64').toString('hex') }];
}

function component({ name, version, license, integrity, optional = false, bundled = false }) {
  const purl = purlOf({ name, version });
  const hashes = hashesOf(integrity);
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version,
    scope: optional ? 'optional' : 'required',
    purl,
    ...(hashes.length > 0 && { hashes }),
    ...(license && { licenses: [{ license: { name: license } }] }),
    ...(bundled && { properties: [{ name: 'keyturn:bundled', value: 'true' }] }),
  };
}

/** Everything in the lock file that no tool of development alone asks for. */
function installed() {
  const entries = Object.entries(read('package-lock.json').packages).filter(([path]) => path !== '');
  return entries
    .filter(([, one]) => !one.dev && !one.devOptional && !one.extraneous)
    .map(([path, one]) => component({ ...one, name: one.name ?? path.slice(path.lastIndexOf('node_modules/') + 13) }));
}

/** Each package whose code is in dist/, as the build wrote them down. */
function bundled() {
  const text = readFileSync(join(DIST, 'THIRD_PARTY_LICENSES.txt'), 'utf8');
  // Not by the lines between them: licences have such lines too.
  const heads = [...text.matchAll(/(?:^|\n-{80}\n\n)(\S+) (\d\S*) \((.*)\)\n\n/g)];
  return heads.map(([, name, version, license]) => component({ name, version, license, bundled: true }));
}

const { name, version, license } = read('package.json');
const components = new Map();
for (const one of [...installed(), ...bundled()]) if (!components.has(one.purl)) components.set(one.purl, one);
const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: `urn:uuid:${randomUUID()}`,
  version: 1,
  metadata: { timestamp: new Date().toISOString(), component: component({ name, version, license }) },
  components: [...components.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
};
writeFileSync(join(DIST, 'sbom.cdx.json'), `${JSON.stringify(bom, undefined, 2)}\n`);
process.stdout.write(`${components.size} components: dist/sbom.cdx.json\n`);
