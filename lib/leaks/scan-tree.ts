// Scans files: a few in this thread, many in worker threads that take them batch by batch.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { examineFile, filesBelow, newFileRoom } from './files.ts';
import type { LeakFinding } from './finding.ts';
import { type ScanPlan, scannersOf } from './plan.ts';

/** Fewer files are done before a thread has started. */
const FILES_FOR_THREADS = 400;
const BATCH = 64;
/** More threads wait for the disk. */
const MOST_THREADS = 8;

export interface ScanResult {
  readonly findings: readonly LeakFinding[];
  readonly files: number;
  readonly bytes: number;
  /** Files that could not be read, with why. */
  readonly unread: readonly string[];
}

/** What a worker is started with, asked, and answers. */
export interface ScanWorkerInput {
  readonly root: string;
  readonly plan: ScanPlan;
}

export interface BatchResult {
  readonly findings: LeakFinding[];
  readonly bytes: number;
  readonly unread: string[];
}

export interface ScanTreeOptions {
  /** How many threads at most; as many as there are processors where not given. */
  readonly threads?: number | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Scans a folder, or one file. */
export async function scanTree(root: string, plan: ScanPlan, options: ScanTreeOptions = {}): Promise<ScanResult> {
  const files = await filesBelow(root);
  const threads = Math.min(MOST_THREADS, options.threads ?? availableParallelism());
  const batches = batched(files);
  const done: BatchResult[] = [];
  const progress = (batch: BatchResult) => {
    done.push(batch);
    options.onProgress?.(Math.min(files.length, done.length * BATCH), files.length);
  };
  if (threads < 2 || files.length < FILES_FOR_THREADS) {
    const examineBatch = batchExaminer({ root, plan });
    for (const batch of batches) progress(examineBatch(batch));
  } else await inThreads({ root, plan }, threads, batches, progress);
  const findings = done.flatMap((one) => one.findings);
  findings.sort((a, b) => (a.path === b.path ? a.line - b.line || a.column - b.column : a.path < b.path ? -1 : 1));
  return {
    findings,
    files: files.length,
    bytes: done.reduce((sum, one) => sum + one.bytes, 0),
    unread: done.flatMap((one) => one.unread),
  };
}

function batched(files: readonly string[]): string[][] {
  const batches: string[][] = [];
  for (let at = 0; at < files.length; at += BATCH) batches.push(files.slice(at, at + BATCH));
  return batches;
}

/** Examines batches of files with scanners and room of its own. */
export function batchExaminer({ root, plan }: ScanWorkerInput): (files: readonly string[]) => BatchResult {
  const scanners = scannersOf(plan);
  const room = newFileRoom();
  return (files) => {
    const result: BatchResult & { bytes: number } = { findings: [], bytes: 0, unread: [] };
    for (const file of files) {
      try {
        const shown = file === '' ? root : file;
        const examined = examineFile(join(root, file), shown, room, scanners);
        result.findings.push(...examined.findings);
        result.bytes += examined.bytes;
      } catch (error) {
        // One that is gone by now, or not to be read: told, and the rest goes on.
        result.unread.push(`${file}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`);
      }
    }
    return result;
  };
}

async function inThreads(
  workerData: ScanWorkerInput,
  threads: number,
  batches: string[][],
  progress: (batch: BatchResult) => void,
): Promise<void> {
  // This file is TypeScript in the source tree and JavaScript where it was built; its neighbour is the same.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const url = new URL(`./scan-worker${extension}`, import.meta.url);
  const left = batches[Symbol.iterator]();
  const runOne = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(url, { workerData, execArgv: [] });
      const next = () => {
        const batch = left.next();
        // No more to do: it ends by itself once it listens no longer.
        worker.postMessage(batch.done ? undefined : batch.value);
      };
      worker.on('message', (batch: BatchResult) => {
        progress(batch);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      next();
    });
  await Promise.all(Array.from({ length: Math.min(threads, batches.length) }, runOne));
}
