import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackboneRequest } from '../src/backbone.js';
import { receiveEarly, sendEarly } from '../src/early.js';
import { RekindleError } from '../src/errors.js';

const shipped = (source: string | Blob): BackboneRequest => ({ kind: 'shipped', precision: 'f16', source });

test('the weights of the package arrive at the other end, and how far they are is told', async () => {
  const told: unknown[] = [];
  const port = sendEarly(shipped(new Blob(['weights'])), (progress) => told.push(progress), undefined);
  const bytes = await receiveEarly(port as MessagePort);
  assert.equal(new TextDecoder().decode(bytes), 'weights');
  assert.deepEqual(told, [{ file: 'weights', loadedBytes: 7, totalBytes: 7 }]);
});

test('that they cannot be read is told at the other end', async () => {
  const port = sendEarly(shipped('http://127.0.0.1:1/weights'), () => {}, undefined);
  await assert.rejects(receiveEarly(port as MessagePort), (error) => error instanceof RekindleError && error.code === 'WEIGHTS_FETCH');
});

test('weights from elsewhere are left to the worker', () => {
  assert.equal(sendEarly({ kind: 'project', base: '', cache: true }, () => {}, undefined), null);
});
