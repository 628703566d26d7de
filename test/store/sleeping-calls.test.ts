// A caller that sleeps until a thread has answered: woken at the wrong moment, answered late, by a thread that is busy.
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { SleepingCaller } from '../../lib/store/sleeping-calls.ts';

/** A real thread. `work` is the body of an async function of `content`, with `wake` and `sleep(ms)` at hand. */
function thread(work: string, patienceMs = 10_000): SleepingCaller<number, number> {
  const { port1, port2 } = new MessageChannel();
  const signals = new Int32Array(new SharedArrayBuffer(8));
  const file = new URL('../../lib/store/sleeping-calls.ts', import.meta.url).href;
  const program = `
    import { workerData } from 'node:worker_threads';
    import { answerCalls } from '${file}';
    const { port, signals } = workerData;
    const wake = () => Atomics.notify(signals, 0);
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    answerCalls({ port, signals }, async (content) => { ${work} });`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(url, { workerData: { port: port2, signals }, transferList: [port2], execArgv: [] });
  onTestFinished(async () => {
    port1.close();
    await worker.terminate();
  });
  return new SleepingCaller({ port: port1, signals }, patienceMs);
}

it('gets for each call its own answer', () => {
  const caller = thread('return content * 2;');
  for (let n = 0; n < 5_000; n += 1) expect(caller.ask(n)).toBe(n * 2);
});

it('goes on sleeping when it is woken for nothing', () => {
  const caller = thread('for (let n = 0; n < 20; n += 1) { wake(); await sleep(2); } return content;');
  for (let n = 0; n < 5; n += 1) expect(caller.ask(n)).toBe(n);
});

it('never takes a late answer for that of the next call', async () => {
  const caller = thread('if (content === 1) await sleep(400); return content;', 200);
  while (caller.ask(0) === undefined) expect(true).toBe(true);
  expect(caller.ask(1)).toBeUndefined();
  expect(caller.ask(2)).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(caller.ask(3)).toBe(3);
});
