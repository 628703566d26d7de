// Calls to a thread of our own by a caller that cannot wait in any other way than to sleep: a synchronous function, a
// command that runs to its end. Each answer carries its call's number, so that one that comes late is never taken for
// another's; and a caller that is woken for nothing goes on sleeping.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

interface Numbered<T> {
  readonly id: number;
  readonly content: T;
}

/** How both sides are joined. */
export interface Line {
  readonly port: MessagePort;
  /** [0] counts the answers. The thread may use the others as it likes. */
  readonly signals: Int32Array;
}

/** The side that sleeps. */
export class SleepingCaller<Request, Answer> {
  readonly #line: Line;
  readonly #patienceMs: number;
  #last = 0;

  /** @param patienceMs how long, in ms, an answer may take */
  constructor(line: Line, patienceMs: number) {
    this.#line = line;
    this.#patienceMs = patienceMs;
  }

  /** @returns the answer; undefined where it has not come in time */
  ask(request: Request): Answer | undefined {
    const { port, signals } = this.#line;
    this.#last += 1;
    const asked: Numbered<Request> = { id: this.#last, content: request };
    port.postMessage(asked);
    const until = performance.now() + this.#patienceMs;
    for (;;) {
      // Counted before it is looked for: an answer that comes in between has changed the count, and there is no sleep.
      const count = Atomics.load(signals, 0);
      const answer = this.#take(asked.id);
      if (answer) return answer.content;
      const left = until - performance.now();
      if (left <= 0) return undefined;
      Atomics.wait(signals, 0, count, left);
    }
  }

  #take(id: number): Numbered<Answer> | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#line.port)?.message as Numbered<Answer> | undefined;
      if (!received || received.id === id) return received;
    }
  }
}

/**
 * The thread's side: answers every call.
 * @param answer never rejects: what went wrong is part of the answer
 * @param answered called after each, with the request
 */
export function answerCalls<Request, Answer>(
  { port, signals }: Line,
  answer: (request: Request) => Promise<Answer>,
  answered?: (request: Request) => void,
): void {
  port.on('message', async ({ id, content }: Numbered<Request>) => {
    const given: Numbered<Answer> = { id, content: await answer(content) };
    port.postMessage(given);
    Atomics.add(signals, 0, 1);
    Atomics.notify(signals, 0);
    answered?.(content);
  });
}
