import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { RekindleError, Tuner } from '../src/index.js';
import { defaultWorkers } from '../src/pool.js';
import { FakeCore, installBrowser, WEIGHTS } from './fake-core.js';

const EXAMPLES = 20;
const VIEWS = 4;

const open: Tuner[] = [];
afterEach(async () => {
  for (const tuner of open.splice(0)) await tuner.dispose();
});

/** A tuner that may start helpers, with examples; tells which embedders have embedded. */
async function create(core: FakeCore, workers: number) {
  const { started } = installBrowser(core);
  const busy = new Set<number>();
  const before = core.beforeEmbed;
  core.beforeEmbed = (embedder) => {
    busy.add(embedder);
    return before(embedder);
  };
  const tuner = await Tuner.create({ weights: WEIGHTS, device: 'cpu', workers });
  open.push(tuner);
  const images = () => Array.from({ length: EXAMPLES / 2 }, () => new Blob(['JPEG']));
  await tuner.addExamples('cat', images());
  await tuner.addExamples('dog', images());
  return { tuner, started, busy };
}

/** Gives the other embedders their turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

test('helpers embed side by side with the session, and all but the last pieces once', async () => {
  const core = new FakeCore();
  core.beforeEmbed = pause;
  const { tuner, started, busy } = await create(core, 3);
  assert.deepEqual(started, ['worker-cpu.js', 'worker-cpu.js', 'worker-cpu.js']);
  const report = await tuner.train({ views: VIEWS, epochs: 1 }).report;
  assert.equal(report.timings.embeddedViews, EXAMPLES * VIEWS);
  const embedded = core.log.filter((line) => line.startsWith('embed')).join().match(/\d/g)?.length ?? 0;
  const twoOfEachHelper = 2 * 2 * VIEWS;
  assert.ok(embedded >= EXAMPLES * VIEWS && embedded <= EXAMPLES * VIEWS + twoOfEachHelper, `${embedded} views`);
  assert.deepEqual([...busy].sort(), [1, 2, 3]);
});

test('few views are not worth a helper', async () => {
  const core = new FakeCore();
  const { tuner, busy } = await create(core, 3);
  await tuner.removeExamples((await tuner.examples()).slice(1, -1).map(({ id }) => id));
  await tuner.train({ views: VIEWS, epochs: 1 }).report;
  assert.deepEqual([...busy], [1]);
});

test('a helper that breaks down loses nothing', async () => {
  const core = new FakeCore();
  core.beforeEmbed = async (embedder) => {
    await pause();
    if (embedder === 2) throw new WebAssembly.RuntimeError('unreachable');
  };
  const { tuner } = await create(core, 3);
  assert.equal((await tuner.train({ views: VIEWS, epochs: 1 }).report).timings.embeddedViews, EXAMPLES * VIEWS);
  assert.equal((await tuner.train({ views: VIEWS + 1, epochs: 1 }).report).timings.embeddedViews, EXAMPLES);
});

test('without any helper the session embeds alone', async () => {
  const core = new FakeCore();
  core.onDevice = () => {
    if (core.log.length > 0) throw new RekindleError('OUT_OF_MEMORY', 'no memory for another instance');
    core.log.push('the session has its embedder');
  };
  const { tuner, busy } = await create(core, 4);
  assert.equal((await tuner.train({ views: VIEWS, epochs: 1 }).report).timings.embeddedViews, EXAMPLES * VIEWS);
  assert.deepEqual([...busy], [1]);
});

test('what hangs is done by the session, and nobody waits for it', async () => {
  const core = new FakeCore();
  const hung = new Set<number>();
  core.beforeEmbed = (embedder) => {
    if (embedder === 1) return pause();
    hung.add(embedder);
    return new Promise(() => {});
  };
  const { tuner } = await create(core, 3);
  assert.equal((await tuner.train({ views: VIEWS, epochs: 1 }).report).timings.embeddedViews, EXAMPLES * VIEWS);
  assert.deepEqual([...hung].sort(), [2, 3]);
  await tuner.dispose();
});

test('cancelling stops the helpers too, and the features that came in time stay', async () => {
  const core = new FakeCore();
  core.beforeEmbed = () => new Promise((resolve) => setTimeout(resolve, 5));
  const { tuner, busy } = await create(core, 3);
  const run = tuner.train({ views: VIEWS, epochs: 1 });
  for await (const event of run) if (event.type === 'prepare' && event.doneViews > EXAMPLES) break;
  run.cancel();
  await assert.rejects(run.report, { name: 'AbortError' });
  assert.deepEqual([...busy].sort(), [1, 2, 3]);
  // What was in a turn when it was cancelled comes to its end, and nothing after that.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopped = core.log.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(core.log.length, stopped);
  const again = await tuner.train({ views: VIEWS, epochs: 1 }).report;
  assert.ok(again.timings.embeddedViews < EXAMPLES * VIEWS - EXAMPLES, `${again.timings.embeddedViews} views`);
});

test('an image that only helpers cannot read is no trouble', async () => {
  const core = new FakeCore();
  core.beforeEmbed = async (embedder) => {
    await pause();
    if (embedder !== 1) throw new RekindleError('IMAGE_DECODE', 'the file is gone');
  };
  const { tuner, busy } = await create(core, 2);
  assert.equal((await tuner.train({ views: VIEWS, epochs: 1 }).report).timings.embeddedViews, EXAMPLES * VIEWS);
  assert.deepEqual([...busy].sort(), [1, 2]);
});

test('an image that nobody can read is told of its example', async () => {
  const core = new FakeCore();
  core.beforeEmbed = async () => {
    await pause();
    throw new RekindleError('IMAGE_DECODE', 'the file is gone');
  };
  const { tuner } = await create(core, 2);
  await assert.rejects(tuner.train({ views: VIEWS, epochs: 1 }).report, (error) => {
    return error instanceof RekindleError && error.code === 'IMAGE_DECODE' && typeof error.details.example === 'number';
  });
});

test('as many workers as cores, within the memory', () => {
  assert.equal(defaultWorkers({ hardwareConcurrency: 1 }), 1);
  assert.equal(defaultWorkers({ hardwareConcurrency: 3 }), 3);
  assert.equal(defaultWorkers({ hardwareConcurrency: 16 }), 4);
  assert.equal(defaultWorkers({ hardwareConcurrency: 16, deviceMemory: 8 }), 8);
});
