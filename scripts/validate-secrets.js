#!/usr/bin/env node
// The guide's validation script: a thin launcher of `keyturn validate`, `keyturn check` and `keyturn report`.
import { launchGuideScript } from './lib/launch.js';

const USAGE = `Usage:
  node scripts/validate-secrets.js validate     full validation
  node scripts/validate-secrets.js check        quick check of the critical secrets
  node scripts/validate-secrets.js report       write the detailed report
Options of the same \`keyturn\` commands work here too (--env, --json, …).
`;

launchGuideScript(USAGE, {
  validate: (rest) => ['validate', ...rest],
  check: (rest) => ['check', ...rest],
  report: (rest) => ['report', ...rest],
});
