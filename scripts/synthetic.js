#!/usr/bin/env node
// Runs a synthetic journey: a thin launcher of `keyturn synthetic run`.
//   npm run synthetic:registration -- --base-url https://cloudgreet.com
import { launch } from './lib/launch.js';

launch(['synthetic', 'run', ...process.argv.slice(2)]);
