import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TrainingRun } from '../src/training.js';
import type { Report, TrainEvent } from '../src/types.js';

const REPORT = { bestEpoch: 2 } as Report;

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
after(() => assert.deepEqual(unhandled, []));

function prepared(doneViews: number): TrainEvent {
  return { type: 'prepare', doneViews, totalViews: 2, elapsedMs: 1 };
}

async function collect(run: TrainingRun): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

function ending(): TrainingRun {
  return new TrainingRun(async (emit) => {
    emit(prepared(1));
    await turn();
    emit(prepared(2));
    return REPORT;
  });
}

function endless(signal?: AbortSignal): TrainingRun {
  return new TrainingRun((emit) => {
    emit(prepared(1));
    return new Promise(() => {});
  }, signal);
}

test('gives its events, then done with the report', async () => {
  const run = ending();
  assert.equal(run.ended, false);
  assert.deepEqual(await collect(run), [prepared(1), prepared(2), { type: 'done', report: REPORT }]);
  assert.equal(await run.report, REPORT);
  assert.equal(run.ended, true);
});

test('a late or second iteration gives every event too, and so do two at once', async () => {
  const run = ending();
  const [first, second] = await Promise.all([collect(run), collect(run)]);
  assert.deepEqual(first, second);
  assert.deepEqual(await collect(run), first);
});

test('goes on when the loop is left', async () => {
  const run = ending();
  for await (const event of run) if (event.type === 'prepare') break;
  assert.equal(await run.report, REPORT);
});

test('a failure reaches whoever iterates, after the events before it, and whoever awaits', async () => {
  const failure = new Error('diverged');
  const run = new TrainingRun(async (emit) => {
    emit(prepared(1));
    throw failure;
  });
  const seen: TrainEvent[] = [];
  await assert.rejects(async () => {
    for await (const event of run) seen.push(event);
  }, failure);
  assert.deepEqual(seen, [prepared(1)]);
  await assert.rejects(run.report, failure);
});

test('a failure that nobody waits for is no unhandled rejection', async () => {
  new TrainingRun(() => Promise.reject(new Error('nobody listens')));
  const run = new TrainingRun(() => Promise.reject(new Error('only iterated')));
  await assert.rejects(collect(run), /only iterated/);
  const other = new TrainingRun(() => Promise.reject(new Error('only awaited')));
  await assert.rejects(other.report, /only awaited/);
  await turn();
});

test('cancel rejects with AbortError although the work never answers', async () => {
  const run = endless();
  const iteration = collect(run);
  run.cancel();
  assert.equal(run.ended, true);
  await assert.rejects(iteration, { name: 'AbortError' });
  await assert.rejects(run.report, { name: 'AbortError' });
});

test('the signal cancels with its reason, before and during the run', async () => {
  const controller = new AbortController();
  const run = endless(controller.signal);
  controller.abort();
  await assert.rejects(run.report, { name: 'AbortError' });
  await assert.rejects(endless(AbortSignal.abort('enough')).report, (reason) => reason === 'enough');
  let worked = false;
  const late = new TrainingRun(async () => {
    worked = true;
    return REPORT;
  }, controller.signal);
  await assert.rejects(late.report, { name: 'AbortError' });
  assert.equal(worked, false);
});

test('cancelling when it is over changes nothing', async () => {
  const run = ending();
  await run.report;
  run.cancel();
  assert.equal((await collect(run)).at(-1)?.type, 'done');
});

test('pausing reaches the work, before it begins too, and only while it goes on', async () => {
  const told: boolean[] = [];
  let end = (_: Report) => {};
  const run = new TrainingRun(async (_emit, _signal, onPausable) => {
    await turn();
    onPausable((paused) => told.push(paused));
    return new Promise<Report>((resolve) => (end = resolve));
  });
  run.pause();
  assert.equal(run.paused, true);
  await turn();
  await turn();
  run.pause();
  run.resume();
  run.pause();
  assert.deepEqual(told, [true, false, true]);
  end(REPORT);
  await run.report;
  run.resume();
  assert.deepEqual(told, [true, false, true]);
});
