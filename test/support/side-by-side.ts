// Work that waits for processes most of its time, two at a time.

/** Does something for each number from 1 on, two at a time: each waits for processes most of its time. */
export async function sideBySide(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let at = 0;
  const next = async (): Promise<void> => {
    while (at < count) {
      at += 1;
      await work(at);
    }
  };
  await Promise.all([next(), next()]);
}
