#!/usr/bin/env node
// The guide's rotation script: a thin launcher of `keyturn rotate` and `keyturn rollback`.
import { launchGuideScript } from './lib/launch.js';

const USAGE = `Usage:
  node scripts/rotate-secrets.js rotate                      rotate all secrets that are due
  node scripts/rotate-secrets.js rotate --all                rotate all secrets
  node scripts/rotate-secrets.js rotate NAME [TYPE]          rotate one: rotate JWT_SECRET jwt_secret
  node scripts/rotate-secrets.js rollback BACKUP             go back to a backup: backups/secrets/secrets-backup-2024-01-01.json
Options of \`keyturn rotate\` and \`keyturn rollback\` work here too (--env, --dry-run, --grace, --json, …).
`;

launchGuideScript(USAGE, {
  rotate: (rest) => ['rotate', ...rest],
  rollback: (rest) => (rest.length === 0 ? undefined : ['rollback', ...rest]),
});
