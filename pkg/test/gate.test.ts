import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Gate } from '../src/gate.js';

const { signal } = new AbortController();

test('whoever comes to a shut gate waits until it opens', async () => {
  const gate = new Gate();
  await gate.pass(signal);
  gate.shut = true;
  let passed = 0;
  const waiting = [gate.pass(signal), gate.pass(signal)].map((pass) => pass.then(() => (passed += 1)));
  await turn();
  assert.equal(passed, 0);
  gate.shut = false;
  await Promise.all(waiting);
  assert.equal(passed, 2);
});

test('who gives up does not wait', async () => {
  const gate = new Gate();
  gate.shut = true;
  const controller = new AbortController();
  const waiting = gate.pass(controller.signal);
  controller.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await assert.rejects(gate.pass(controller.signal), { name: 'AbortError' });
});
