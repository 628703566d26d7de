// Writes dist/sbom.cdx.json: what the package depends on (npm's own CycloneDX, from the lock file), and what the build has bundled into it.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lib/set-up.js';

const DIST = join(ROOT, 'dist');

/** Name, version and licence of each package whose code is in dist/, as the build wrote them. */
function bundled() {
  const text = readFileSync(join(DIST, 'THIRD_PARTY_LICENSES.txt'), 'utf8');
  const heads = text.split(`${'-'.repeat(80)}\n\n`).map((one) => one.slice(0, one.indexOf('\n')));
  return heads.map((head) => {
    const [, name, version, license] = /^(\S+) (\S+) \((.*)\)$/.exec(head) ?? [];
    if (!name) throw new Error(`not the head of a licence: ${head}`);
    return { name, version, license };
  });
}

/** As purl-spec has it for npm: a scope's @ is encoded. */
function purlOf({ name, version }) {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

function component(one) {
  const purl = purlOf(one);
  return {
    'bom-ref': `bundled:${purl}`,
    type: 'library',
    name: one.name,
    version: one.version,
    scope: 'required',
    purl,
    properties: [{ name: 'keyturn:bundled', value: 'true' }],
    ...(one.license !== 'undefined' && { licenses: [{ license: { name: one.license } }] }),
  };
}

const args = [
  'sbom',
  '--sbom-format',
  'cyclonedx',
  '--sbom-type',
  'library',
  '--omit',
  'dev',
  '--omit',
  'optional',
  '--package-lock-only',
];
const bom = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
const known = new Set(bom.components.map((one) => one.purl));
const more = bundled()
  .map(component)
  .filter((one) => !known.has(one.purl));
// Where this machine fetched it from is nobody's business.
for (const one of bom.components) delete one.externalReferences;
bom.components.push(...more);
writeFileSync(join(DIST, 'sbom.cdx.json'), `${JSON.stringify(bom, undefined, 2)}\n`);
process.stdout.write(`${bom.components.length} components, ${more.length} of them bundled: dist/sbom.cdx.json\n`);
