// A thread of the leak guard: examines batches of files until it is told that there are no more.
import { parentPort, workerData } from 'node:worker_threads';
import { batchExaminer, type ScanWorkerInput } from './scan-tree.ts';

const examineBatch = batchExaminer(workerData as ScanWorkerInput);

parentPort?.on('message', (files: string[] | undefined) => {
  if (files === undefined) parentPort?.close();
  else parentPort?.postMessage(examineBatch(files));
});
