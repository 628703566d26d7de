#!/usr/bin/env node
// `npm start`: sets up what is missing, runs the main job (with the example's made-up values where there is nothing else
// to import), and then the server.
import { join } from 'node:path';
import { launch } from './lib/launch.js';
import { ROOT } from './lib/set-up.js';

launch(['start', '--serve', '--example', join(ROOT, 'examples', 'cloudgreet.env'), ...process.argv.slice(2)]);
