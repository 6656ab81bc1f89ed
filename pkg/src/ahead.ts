/**
 * Works on a list in order, and on the next ones while one is waited for.
 *
 * @param most How many are worked on at once.
 * @returns What becomes of each, in their order.
 */
export function* ahead<T, R>(items: Iterable<T>, most: number, work: (item: T) => Promise<R>): Generator<Promise<R>, void, undefined> {
  const begun: Promise<R>[] = [];
  for (const item of items) {
    const one = work(item);
    one.catch(() => {}); // It is told when its turn comes.
    begun.push(one);
    if (begun.length >= most) yield begun.shift() as Promise<R>;
  }
  yield* begun;
}
