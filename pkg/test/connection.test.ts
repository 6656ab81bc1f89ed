import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection, type WorkerPort } from '../src/connection.js';
import { RekindleError } from '../src/errors.js';
import type { FromWorker, ToWorker } from '../src/protocol.js';

/** A worker that answers when the test says so. */
class FakeWorker implements WorkerPort {
  posted: ToWorker[] = [];
  terminated = false;
  readonly #events = new EventTarget();

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#events.addEventListener(type, listener as EventListener);
  }

  dispatchEvent(event: Event): void {
    this.#events.dispatchEvent(event);
  }

  postMessage(message: ToWorker, transfer: Transferable[]): void {
    this.posted.push(structuredClone(message, { transfer }));
  }

  terminate(): void {
    this.terminated = true;
  }

  say(data: FromWorker): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

function connected() {
  const worker = new FakeWorker();
  return { worker, connection: new Connection(worker) };
}

function code(expected: string) {
  return (error: unknown) => error instanceof RekindleError && error.code === expected;
}

test('answers find their calls in any order', async () => {
  const { worker, connection } = connected();
  const first = connection.call('embed', { image: new Blob() });
  const second = connection.call('save', {});
  worker.say({ id: 2, ok: true, value: new Uint8Array([2]) });
  worker.say({ id: 1, ok: true, value: new Float32Array([1]) });
  assert.deepEqual(await second, new Uint8Array([2]));
  assert.deepEqual(await first, new Float32Array([1]));
});

test('an error arrives as a RekindleError with code, message and details', async () => {
  const { worker, connection } = connected();
  const call = connection.call('save', {});
  worker.say({ id: 1, ok: false, code: 'NOT_TRAINED', message: 'nothing is trained yet', details: { a: 1 } });
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RekindleError);
    assert.deepEqual([error.code, error.message, error.details], ['NOT_TRAINED', 'nothing is trained yet', { a: 1 }]);
    return true;
  });
});

test('events reach their call, and the state is there when the call resolves', async () => {
  const { worker, connection } = connected();
  const events: unknown[] = [];
  const call = connection.call('train', { options: {} }, { onEvent: (event) => events.push(event) });
  const event = { type: 'prepare', doneViews: 0, totalViews: 4, elapsedMs: 0 } as const;
  worker.say({ id: 1, event });
  worker.say({ state: { classes: [{ label: 'cat', count: 1 }], report: null } });
  worker.say({ id: 1, ok: true, value: undefined });
  await call;
  assert.deepEqual(events, [event]);
  assert.equal(connection.state.classes[0]?.label, 'cat');
});

test('a signal rejects at once, tells the worker, and a late answer does no harm', async () => {
  const { worker, connection } = connected();
  const controller = new AbortController();
  const call = connection.call('train', { options: {} }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  assert.deepEqual(worker.posted.at(-1), { cancel: 1 });
  worker.say({ id: 1, ok: false, code: 'INTERNAL', message: '', details: {} });
  await assert.rejects(connection.call('save', {}, { signal: controller.signal }), { name: 'AbortError' });
  assert.equal(worker.posted.length, 2, 'an aborted call is not posted');
});

test('an answered call no longer listens to its signal', async () => {
  const { worker, connection } = connected();
  const controller = new AbortController();
  const call = connection.call('examples', {}, { signal: controller.signal });
  worker.say({ id: 1, ok: true, value: [] });
  await call;
  controller.abort();
  assert.equal(worker.posted.length, 1);
});

test('when the worker breaks down every open and later call gets WORKER_FAILED', async () => {
  for (const breakDown of [
    (worker: FakeWorker) => worker.dispatchEvent(new Event('error')),
    (worker: FakeWorker) => worker.dispatchEvent(new Event('messageerror')),
    (worker: FakeWorker) => worker.say({ crash: { code: 'WORKER_FAILED', message: 'unreachable', details: {} } }),
  ]) {
    const { worker, connection } = connected();
    const calls = [connection.call('save', {}), connection.call('examples', {})];
    breakDown(worker);
    for (const call of calls) await assert.rejects(call, code('WORKER_FAILED'));
    await assert.rejects(connection.call('examples', {}), code('WORKER_FAILED'));
    assert.equal(worker.terminated, true);
  }
});

test('closing twice keeps the first reason', async () => {
  const { connection } = connected();
  connection.close(new RekindleError('DISPOSED', 'gone'));
  connection.close(new RekindleError('WORKER_FAILED', 'later'));
  assert.throws(() => connection.assertOpen(), code('DISPOSED'));
});

test('arguments that cannot be posted are OPTION_INVALID and leave the connection usable', async () => {
  const { worker, connection } = connected();
  await assert.rejects(connection.call('train', { options: { epochs: () => 3 } }), code('OPTION_INVALID'));
  const call = connection.call('examples', {});
  worker.say({ id: 2, ok: true, value: [] });
  assert.deepEqual(await call, []);
});
