#!/usr/bin/env node
// The `keyturn` command: runs the program, and turns errors into a message and an exit code. Never a stack trace for an
// error that was foreseen; never a value.
import { CommanderError } from 'commander';
import { KeyturnError } from '../errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import { buildProgram } from './program.ts';

/** A reader that went away (`keyturn list | head -1`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    if (!(error instanceof KeyturnError)) throw error;
    const { what, left, next } = error.text;
    process.stderr.write(`keyturn: ${what}\n`);
    if (left) process.stderr.write(`  ${left}\n`);
    if (next) process.stderr.write(`  → ${next}\n`);
    process.stderr.write(`  (${error.code})\n`);
    process.exitCode = exitCodeOf(error);
  }
}
