import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ahead } from '../src/ahead.js';

test('the next ones are begun while one is waited for, no more than so many, and come in order', async () => {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const work = (item: number) => {
    most = Math.max(most, ++running);
    return new Promise<number>((resolve) => (ends[item] = () => (running--, resolve(item * 10))));
  };
  const found: number[] = [];
  for (const one of ahead([0, 1, 2, 3, 4], 3, work)) {
    // The latest first.
    for (const end of ends.splice(0).reverse()) end?.();
    found.push(await one);
  }
  assert.deepEqual([found, most], [[0, 10, 20, 30, 40], 3]);
});

test('a failure is told in its turn, and those after it go on', async () => {
  const work = async (item: number) => {
    if (item === 1) throw new Error('one');
    return item;
  };
  const found: unknown[] = [];
  for (const one of ahead([0, 1, 2], 2, work)) found.push(await one.catch((error: Error) => error.message));
  assert.deepEqual(found, [0, 'one', 2]);
});

test('nothing gives nothing', () => {
  assert.deepEqual([...ahead([], 2, async () => 1)], []);
});
