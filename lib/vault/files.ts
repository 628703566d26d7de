// Writing files so that a cut at any moment leaves the old file or the new one, never half of one.
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileError } from '../errors.ts';

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function unusable(path: string, error: unknown): FileError {
  return new FileError('KT_FILE_UNUSABLE', {
    what: `${path} cannot be written (${codeOf(error) ?? 'unknown error'}).`,
    left: 'Nothing was left there.',
    next: 'Check the folder, its permissions and the free space.',
  });
}

/** Makes the folder's own entry durable: a rename or a new name is only there after that. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeTemporary(path: string, content: string | Uint8Array, mode = 0o600): string {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w', mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    // A write may take less than all of it (a file size limit is met half way).
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } catch (error) {
    closeSync(file);
    unlinkSync(temporary);
    throw error;
  }
  closeSync(file);
  return temporary;
}

/** What an administrator writes over stays readable to whose it was. Nobody else may give files away. */
function keepOwner(path: string, temporary: string): void {
  if (process.getuid?.() !== 0) return;
  const before = statSync(path, { throwIfNoEntry: false });
  if (before && before.uid !== 0) chownSync(temporary, before.uid, before.gid);
}

/**
 * Puts a file in place whole, mode 0600 if nothing else is said, over whatever was there. Durable when it returns.
 * @throws FileError KT_FILE_UNUSABLE
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = writeTemporary(path, content, mode);
    try {
      keepOwner(path, temporary);
      renameSync(temporary, path);
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
    syncFolder(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Makes a new file whole, mode 0600, under the first of the names that is free. Durable when it returns.
 * Two processes never write the same one.
 * @returns the path
 * @throws FileError KT_FILE_UNUSABLE
 */
export function createFile(candidates: Iterable<string>, content: string | Uint8Array): string {
  let temporary: string | undefined;
  for (const path of candidates) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      temporary ??= writeTemporary(path, content);
      // A link fails where the name is taken; a rename would write over it.
      linkSync(temporary, path);
      unlinkSync(temporary);
      syncFolder(path);
      return path;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      if (temporary) unlinkSync(temporary);
      throw unusable(path, error);
    }
  }
  if (temporary) unlinkSync(temporary);
  throw new RangeError('no name was free');
}

/** A file's text, or undefined where there is none. @throws FileError KT_FILE_UNUSABLE */
export function readTextIfThere(path: string): string | undefined {
  // Asked first: an error for each file that need not be there costs more than all else here.
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} cannot be read (${codeOf(error) ?? 'unknown error'}).`,
      next: 'Check the path and its permissions.',
    });
  }
}
