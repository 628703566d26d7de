#!/usr/bin/env node
// `npm run validate:env`: a thin launcher of `keyturn env validate`.
import { launch } from './lib/launch.js';

launch(['env', 'validate', ...process.argv.slice(2)]);
