/** How far apart embeddings may be that another arithmetic gave. */

import assert from 'node:assert/strict';

/** In parts of an embedding's length: whole numbers of sixteen bits, in which CPUs may multiply, change 3 parts in 10,000, and up to 8 at small sizes. */
export const TOLERANCE = 1e-3;

/** The length of the largest difference of two embeddings, in parts of the expected one's. */
export function apart(found: number[][], expected: number[][]): number {
  assert.deepEqual(found.map(({ length }) => length), expected.map(({ length }) => length));
  const parts = expected.map((row, at) => {
    const difference = row.map((value, k) => value - (found[at]?.[k] ?? NaN));
    return length(difference) / length(row);
  });
  // A NaN is no difference that any comparison would show.
  return Math.max(...parts.map((part) => (Number.isNaN(part) ? Infinity : part)));
}

function length(values: number[]): number {
  return Math.hypot(...values);
}
