#!/usr/bin/env node
// The guide's monitoring script: a thin launcher of `keyturn monitor`.
import { launchGuideScript } from './lib/launch.js';

const USAGE = `Usage:
  node scripts/monitor-secrets.js monitor       full security report: age, strength, use, alerts
  node scripts/monitor-secrets.js check         only what is critical; exits 1 if anything is
Options of \`keyturn monitor\` work here too (--env, --json, …).
`;

launchGuideScript(USAGE, {
  monitor: (rest) => ['monitor', ...rest],
  check: (rest) => ['monitor', 'check', ...rest],
});
