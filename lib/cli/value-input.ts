// Where values come from: a file, standard input, or a hidden prompt. Never an argument: those are in the shell's history
// and in every user's process list.
import { readFileSync } from 'node:fs';
import { FileError, NeedsPersonError, UsageError } from '../errors.ts';

/**
 * Reads a value. From a file it is taken byte for byte. From standard input a single line loses its line break (`echo`
 * adds one); more than one line is taken byte for byte.
 * @returns bytes; the caller zeroes them
 */
export async function readValue(name: string, options: { fromFile?: string }): Promise<Buffer> {
  if (options.fromFile !== undefined) return readFromFile(options.fromFile);
  if (process.stdin.isTTY) return promptForValue(name);
  const bytes = await readStandardInput();
  if (bytes.length > 0) return bytes;
  throw new NeedsPersonError(
    `A value for ${name} is wanted, and standard input is empty.`,
    'Run it on a terminal to be asked, pipe the value in, or give --from-file.',
  );
}

function readFromFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} cannot be read (${code}).`,
      left: 'Nothing was changed.',
    });
  }
}

async function promptForValue(name: string): Promise<Buffer> {
  const { default: password } = await import('@inquirer/password');
  try {
    // No key shows what was typed: a screen is shared sooner than one thinks.
    const config = { message: `Value of ${name} (not shown):`, mask: '•', toggleMask: false };
    const text = await password(config, { output: process.stderr });
    return Buffer.from(text, 'utf8');
  } catch (error) {
    if ((error as Error).name === 'ExitPromptError') throw new UsageError('No value was given.');
    throw error;
  }
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  const firstBreak = bytes.indexOf(10);
  if (firstBreak < 0 || firstBreak !== bytes.length - 1) return bytes;
  const end = bytes[firstBreak - 1] === 13 ? firstBreak - 1 : firstBreak;
  return bytes.subarray(0, end);
}

/** Asks yes or no on a terminal. Off a terminal the answer is no. */
export async function confirm(message: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const { default: ask } = await import('@inquirer/confirm');
  try {
    return await ask({ message, default: true }, { output: process.stderr });
  } catch (error) {
    if ((error as Error).name === 'ExitPromptError') return false;
    throw error;
  }
}

/** Asks on a terminal for one key. @returns the key; empty for Ctrl-C and Escape */
export function pressedKey(message: string): Promise<string> {
  process.stderr.write(message);
  return new Promise((resolve) => {
    const { stdin } = process;
    const wasRaw = stdin.isRaw;
    stdin.setRawMode(true);
    stdin.once('data', (bytes: Buffer) => {
      stdin.setRawMode(wasRaw);
      stdin.pause();
      const [key = ''] = bytes.toString('utf8');
      process.stderr.write(`${key === 'c' ? key : ''}\n`);
      resolve(key === '\u0003' || key === '\u001b' ? '' : key);
    });
    stdin.resume();
  });
}
