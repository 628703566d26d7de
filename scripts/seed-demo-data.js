#!/usr/bin/env node
// The guide's seeding script: a thin launcher of `keyturn demo`. It makes a realistic vault where there is none, and the login
// that MONITOR_EMPLOYEE_EMAIL and MONITOR_EMPLOYEE_PASSWORD name.
import { launch } from './lib/launch.js';

launch(['demo', ...process.argv.slice(2)]);
