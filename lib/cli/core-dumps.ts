// No core dumps: the memory of a server holds values that are open just now, and a core would put them on a disk in plain. Vault does
// the same (`RLIMIT_CORE` 0). A process cannot lower its own limit from JavaScript, so it begins again behind a shell that does.
import { existsSync, readFileSync } from 'node:fs';

const LIMITS = '/proc/self/limits';

/** Whether a crash would write a core now; false where that cannot be told (anywhere but on Linux). */
function writesCores(): boolean {
  if (!existsSync(LIMITS)) return false;
  const soft = /^Max core file size\s+(\S+)/m.exec(readFileSync(LIMITS, 'utf8'))?.[1];
  return soft !== undefined && soft !== '0';
}

/**
 * Makes this process one that leaves no core: the same program with the same arguments, environment and process id, begun again.
 * Returns where it is one already, or where `KEYTURN_CORE_DUMPS=allow` says that somebody is looking for a crash.
 */
export function forbidCoreDumps(env: NodeJS.ProcessEnv): void {
  if (env.KEYTURN_CORE_DUMPS === 'allow' || !process.execve || !writesCores()) return;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve('/bin/sh', ['sh', '-c', 'ulimit -c 0 && exec "$0" "$@"', ...again], env);
}
