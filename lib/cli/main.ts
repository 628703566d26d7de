// The `keyturn` command: runs the program, and turns errors into a message and an exit code. Never a stack trace for an
// error that was foreseen; never a value.
import { isKeyturnError } from '../errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import { parseRunArguments, runCommand } from './run-command.ts';

/** A reader that went away (`keyturn list | head -1`) is no error. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

function report(error: unknown): void {
  // What commander ends with carries its exit code; it has said its word already.
  const ended = error as { code?: unknown; exitCode?: number };
  if (typeof ended.code === 'string' && ended.code.startsWith('commander.')) {
    process.exitCode = ended.exitCode;
    return;
  }
  if (!isKeyturnError(error)) throw error;
  const { what, left, next } = error.text;
  process.stderr.write(`keyturn: ${what}\n`);
  if (left) process.stderr.write(`  ${left}\n`);
  if (next) process.stderr.write(`  → ${next}\n`);
  process.stderr.write(`  (${error.code})\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(args: readonly string[]): Promise<void> {
  // `run` stands before everything that a team starts: it goes ahead without the parser for all other commands.
  const plain = args[0] === 'run' ? parseRunArguments(args.slice(1)) : undefined;
  if (plain) {
    runCommand(plain.command, plain.options);
    return;
  }
  endQuietlyOnClosedPipe();
  const { buildProgram } = await import('./program.ts');
  const program = await buildProgram(args[0]);
  await program.parseAsync();
}

main(process.argv.slice(2)).catch(report);
