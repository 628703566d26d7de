// The layers of lib/ as a DAG: a folder imports only folders listed before it (docs/architecture.md has the picture).
const LAYERS = [
  'client',
  'crypto',
  'store',
  'audit',
  'catalog',
  'config',
  'formats',
  'vault',
  'identity',
  'incidents',
  'providers',
  'sync',
  'rotation',
  'validation',
  'leaks',
  'monitoring',
  'reporting',
  'server',
  'facade',
  'cli',
];

/** What any layer may use: the errors that it throws. */
const BELOW_ALL = '^lib/errors\\.ts$';

const layerRules = LAYERS.map((layer, index) => ({
  name: `layer-${layer}`,
  comment: `lib/${layer} imports only: ${['errors', ...LAYERS.slice(0, index)].join(', ')}`,
  severity: 'error',
  from: { path: `^lib/${layer}/` },
  to: {
    path: '^lib/',
    pathNot: [BELOW_ALL, ...LAYERS.slice(0, index + 1).map((name) => `^lib/${name}/`)],
  },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'crypto-is-pure',
      comment: 'crypto takes bytes and values and returns them: no files, no network, no processes',
      severity: 'error',
      from: { path: '^lib/crypto/' },
      to: { path: '^(node:)?(fs|net|http|https|child_process|dgram|tls|worker_threads)' },
    },
    {
      name: 'library-knows-no-tests',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['^lib/store/schema-version\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
