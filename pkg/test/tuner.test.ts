import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { RekindleError, Tuner } from '../src/index.js';
import type { CreateOptions, LoadProgress, TrainEvent, TrainOptions } from '../src/index.js';
import { FakeCore, installBrowser, installGpu, WEIGHTS } from './fake-core.js';

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
after(() => assert.deepEqual(unhandled, []));

const open: Tuner[] = [];
afterEach(async () => {
  for (const tuner of open.splice(0)) await tuner.dispose();
  Reflect.deleteProperty(globalThis, 'navigator');
});

async function create(options: CreateOptions = {}, core = new FakeCore()) {
  const { started } = installBrowser(core);
  const tuner = await Tuner.create({ weights: WEIGHTS, ...options });
  open.push(tuner);
  return { tuner, core, started };
}

async function createWithExamples() {
  const made = await create();
  await made.tuner.addExamples('cat', [image(), image()]);
  await made.tuner.addExamples('dog', image());
  return made;
}

function image(): Blob {
  return new Blob(['JPEG']);
}

function code(expected: string) {
  return (error: unknown) => error instanceof RekindleError && error.code === expected;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('create tells its device and the bytes that it loads', async () => {
  const seen: LoadProgress[] = [];
  const { tuner, started } = await create({ device: 'cpu', onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(started, ['worker-cpu.js']);
  const device = { kind: 'cpu', adapter: null, software: false, reason: 'The CPU was asked for.', simd: 'plain' };
  assert.deepEqual(tuner.device, device);
  assert.deepEqual(new Set(seen.map(({ file }) => file)), new Set(['wasm', 'weights']));
  assert.equal(tuner.report, null);
});

test('auto falls back to the CPU when the GPU fails its self-test, and says why', async () => {
  installGpu();
  const core = new FakeCore();
  core.onDevice = (device) => {
    if (device === 'webgpu') throw new RekindleError('DEVICE_WRONG', 'the device failed its self-test (matmul)');
  };
  const { tuner, started } = await create({ device: 'auto' }, core);
  assert.deepEqual(started, ['worker-gpu.js', 'worker-cpu.js']);
  assert.equal(tuner.device.kind, 'cpu');
  assert.match(tuner.device.reason, /nvidia ampere.*self-test \(matmul\)/);
  await assert.rejects(create({ device: 'webgpu' }, core), code('DEVICE_WRONG'));
});

test('auto does not hide weights that are wrong', async () => {
  installGpu();
  await assert.rejects(create({ device: 'auto', weights: new Blob(['altered']) }), code('WEIGHTS_FORMAT'));
});

test('create stops when its signal aborts', async () => {
  const controller = new AbortController();
  const core = new FakeCore();
  core.onDevice = () => controller.abort();
  await assert.rejects(create({ signal: controller.signal }, core), { name: 'AbortError' });
  await assert.rejects(create({ signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('create outside a browser is WORKER_FAILED', async () => {
  await create();
  Reflect.deleteProperty(globalThis, 'Worker');
  await assert.rejects(Tuner.create({ weights: WEIGHTS }), code('WORKER_FAILED'));
});

test('bad images are told with their index and the good ones beside them are added, in order', async () => {
  const { tuner } = await create();
  const images = [image(), new Blob(['nonsense']), image(), 'cat.jpg' as unknown as Blob];
  const { added, rejected } = await tuner.addExamples(' cat ', images);
  assert.deepEqual(added, [1, 2].map((id) => ({ id, label: 'cat', group: null })));
  assert.deepEqual(rejected.map(({ index, error }) => [index, error.code]), [[1, 'IMAGE_DECODE'], [3, 'IMAGE_DECODE']]);
  assert.deepEqual(tuner.classes, [{ label: 'cat', count: 2 }]);
  await assert.rejects(tuner.addExamples('  ', image()), code('OPTION_INVALID'));
});

test('changes are made in the order in which they were asked for, awaited or not', async () => {
  const { tuner } = await create();
  void tuner.addExamples('cat', [image(), image()]);
  void tuner.addExamples('dog', image());
  void tuner.renameClass('cat', 'lion');
  void tuner.relabelExamples(3, 'wolf');
  await tuner.removeExamples([1]);
  assert.deepEqual(await tuner.examples(), [{ id: 2, label: 'lion', group: null }, { id: 3, label: 'wolf', group: null }]);
  void tuner.removeClass('lion');
  assert.deepEqual(await tuner.examples(), [{ id: 3, label: 'wolf', group: null }]);
  assert.deepEqual(tuner.classes, [{ label: 'wolf', count: 1 }]);
});

test('an unknown id changes nothing', async () => {
  const { tuner } = await createWithExamples();
  await assert.rejects(tuner.removeExamples([1, 99]), code('OPTION_INVALID'));
  await assert.rejects(tuner.relabelExamples([1, 99], 'dog'), code('OPTION_INVALID'));
  await assert.rejects(tuner.image(99), code('OPTION_INVALID'));
  assert.equal((await tuner.examples()).length, 3);
});

test('the image of an example is the file that was given', async () => {
  const { tuner } = await createWithExamples();
  assert.equal(await (await tuner.image(1)).text(), 'JPEG');
  await tuner.removeClass('cat');
  await assert.rejects(tuner.image(1), code('OPTION_INVALID'));
});

test('a training prepares every view once, runs its epochs, and gives a report', async () => {
  const { tuner, core } = await createWithExamples();
  const events: TrainEvent[] = [];
  const run = tuner.train({ epochs: 3, views: 2 });
  for await (const event of run) events.push(event);
  const prepare = events.filter((event) => event.type === 'prepare');
  assert.deepEqual([prepare[0]?.doneViews, prepare.at(-1)?.doneViews, prepare.at(-1)?.totalViews], [0, 6, 6]);
  assert.deepEqual(events.filter((event) => event.type === 'epoch').map(({ epoch }) => epoch), [1, 2, 3]);
  assert.equal(events.at(-1)?.type, 'done');
  const { timings } = await run.report;
  assert.equal(timings.embeddedViews, 6);
  assert.equal(tuner.report?.bestEpoch, 1);

  core.log.length = 0;
  await tuner.addExamples('dog', image());
  assert.equal((await tuner.train({ epochs: 1, views: 2 }).report).timings.embeddedViews, 2);
});

test('a training begins after the changes before it and does not hold up those after it', async () => {
  const { tuner, core } = await create();
  const epochs = deferred();
  void tuner.addExamples('cat', image());
  void tuner.addExamples('dog', image());
  const run = tuner.train({ epochs: 50, views: 1 });
  core.beforeEpoch = epochs.resolve;
  await epochs.promise;
  await tuner.addExamples('dog', image());
  assert.equal(run.ended, false);
  await run.report;
  assert.deepEqual(core.log.filter((line) => line.startsWith('start')), ['start with 2']);
});

test('examples that come and go while others are prepared are in the training or left out', async () => {
  const { tuner, core } = await createWithExamples();
  const embedding = deferred();
  const changed = deferred();
  core.beforeEmbed = () => {
    embedding.resolve();
    return changed.promise;
  };
  const run = tuner.train({ epochs: 1, views: 1 });
  await embedding.promise;
  await tuner.addExamples('dog', [image(), image()]);
  await tuner.removeExamples(2);
  changed.resolve();
  const { timings } = await run.report;
  assert.ok(core.log.includes('start with 4'), core.log.join('; '));
  assert.equal(timings.embeddedViews, 4);
});

test('a second training at once fails with OPTION_INVALID and the first goes on', async () => {
  const { tuner } = await createWithExamples();
  const first = tuner.train({ epochs: 5 });
  await assert.rejects(tuner.train().report, code('OPTION_INVALID'));
  await first.report;
  await tuner.train({ epochs: 1 }).report;
});

test('bad options and too few examples fail the run, not the page', async () => {
  const { tuner } = await create();
  await assert.rejects(tuner.train({ epoch: 3 } as TrainOptions).report, code('OPTION_INVALID'));
  await assert.rejects(tuner.train({ signal: 'now' as unknown as AbortSignal }).report, code('OPTION_INVALID'));
  await assert.rejects(tuner.train().report, code('TOO_FEW_EXAMPLES'));
});

test('cancelling frees the run, keeps the old head, and leaves room for the next training at once', async () => {
  const { tuner, core } = await createWithExamples();
  await tuner.train({ epochs: 1 }).report;
  const before = tuner.report;
  const epochs = deferred();
  core.beforeEpoch = epochs.resolve;
  const run = tuner.train({ epochs: 10_000 });
  await epochs.promise;
  run.cancel();
  const next = tuner.train({ epochs: 2 });
  await assert.rejects(run.report, { name: 'AbortError' });
  assert.deepEqual(tuner.report, before);
  await next.report;
  assert.ok(core.log.includes('free'));
  assert.equal((await tuner.predict(image())).label, 'cat');
});

test('predictions are answered while a training runs', async () => {
  const { tuner } = await createWithExamples();
  await tuner.train({ epochs: 1 }).report;
  const run = tuner.train({ epochs: 10_000 });
  assert.equal((await tuner.predict(image())).label, 'cat');
  assert.equal(run.ended, false);
  run.cancel();
});

test('one image gives one answer, many give many, and a bad one is told by its index', async () => {
  const { tuner } = await createWithExamples();
  await assert.rejects(tuner.predict(image()), code('NOT_TRAINED'));
  await tuner.train({ epochs: 1 }).report;
  assert.equal((await tuner.predict([image(), image()])).length, 2);
  assert.deepEqual(await tuner.predict([]), []);
  assert.equal((await tuner.embed(image())).length, 1);
  await assert.rejects(tuner.predict([image(), new Blob(['x'])]), (error) => {
    return error instanceof RekindleError && error.code === 'IMAGE_DECODE' && error.details.index === 1;
  });
});

test('evaluate sends embeddings and labels row by row', async () => {
  const { tuner } = await createWithExamples();
  const metrics = await tuner.evaluate([{ image: image(), label: ' cat' }, { image: image(), label: 'dog' }]);
  assert.deepEqual(metrics as unknown, { count: 2, labels: ['cat', 'dog'] });
});

test('preview gives one image a view', async () => {
  const { tuner } = await create();
  const views = await tuner.preview(image(), { views: 3 });
  assert.deepEqual(views.map(({ width, data }) => [width, data.length, data[0]]), [[2, 16, 0], [2, 16, 1], [2, 16, 2]]);
  await assert.rejects(tuner.preview(image(), { views: 0 }), code('OPTION_INVALID'));
});

test('save gives a file, and open takes only a file', async () => {
  const { tuner } = await create();
  const file = await tuner.save();
  assert.equal(file.size, 3);
  open.push(await Tuner.open(file, { weights: WEIGHTS }));
  await assert.rejects(Tuner.open('pets.rekindle' as unknown as Blob), code('OPTION_INVALID'));
});

test('a trained model is exported in a format that there is', async () => {
  const { tuner } = await createWithExamples();
  await assert.rejects(tuner.export('onnx'), code('NOT_TRAINED'));
  await tuner.train({ epochs: 1 }).report;
  assert.equal(await (await tuner.export('safetensors')).text(), 'safetensors');
  for (const format of ['ONNX', undefined]) {
    await assert.rejects(tuner.export(format as 'onnx'), code('OPTION_INVALID'));
  }
});

test('dispose ends what is under way and all that comes later', async () => {
  const { tuner } = await createWithExamples();
  const run = tuner.train({ epochs: 10_000 });
  const iterated = (async () => {
    for await (const event of run) assert.notEqual(event.type, 'done');
  })();
  const adding = tuner.addExamples('cat', [image(), image()]);
  await tuner.dispose();
  await assert.rejects(iterated, code('DISPOSED'));
  await assert.rejects(adding, code('DISPOSED'));
  for (const call of [
    () => tuner.addExamples('cat', []),
    () => tuner.predict(image()),
    () => tuner.embed([image()]),
    () => tuner.evaluate([]),
    () => tuner.examples(),
    () => tuner.save(),
    () => tuner.export('onnx'),
    () => tuner.train().report,
  ]) {
    await assert.rejects(call, code('DISPOSED'));
  }
  await tuner.dispose();
});

test('a trap in the wasm module fails every call with WORKER_FAILED', async () => {
  const { tuner, core } = await createWithExamples();
  core.beforeEpoch = () => {
    throw new WebAssembly.RuntimeError('unreachable');
  };
  await assert.rejects(tuner.train().report, code('WORKER_FAILED'));
  await assert.rejects(tuner.predict(image()), code('WORKER_FAILED'));
  assert.ok(!core.log.includes('free'), 'a broken module must not be called again');
});

test('a group is kept with the examples, can be changed, and may not be empty', async () => {
  const { tuner } = await create();
  const { added } = await tuner.addExamples('cat', [image(), image()], { group: ' burst ' });
  assert.deepEqual(added.map(({ group }) => group), ['burst', 'burst']);
  await tuner.groupExamples([1], null);
  await tuner.groupExamples(2, 'walk');
  assert.deepEqual((await tuner.examples()).map(({ group }) => group), [null, 'walk']);
  await assert.rejects(tuner.addExamples('cat', image(), { group: ' ' }), code('OPTION_INVALID'));
  await assert.rejects(tuner.addExamples('cat', image(), { grup: 'a' } as object), code('OPTION_INVALID'));
  await assert.rejects(tuner.groupExamples([1, 9], 'b'), code('OPTION_INVALID'));
  assert.deepEqual((await tuner.examples()).map(({ group }) => group), [null, 'walk']);
});

test('health embeds what was not, looks at each image once, and can be given up', async () => {
  const { tuner, core } = await createWithExamples();
  const { learningCurve } = await tuner.health();
  assert.deepEqual(learningCurve, [{ examples: 3, accuracy: 1 }]);
  assert.deepEqual(core.log.splice(0), [1, 2, 3].flatMap((id) => ['embed 0', `traits ${id}`]));
  await tuner.train({ views: 2, epochs: 1 }).report;
  assert.ok(!core.log.some((line) => line.startsWith('traits')), 'the images were seen before');
  const controller = new AbortController();
  core.beforeEpoch = () => controller.abort();
  await assert.rejects(tuner.health({ signal: controller.signal }), { name: 'AbortError' });
  await assert.rejects(tuner.health({ signal: 1 as unknown as AbortSignal }), code('OPTION_INVALID'));
});

test('explain gives a heat for each pixel, of the class that is named', async () => {
  const { tuner, core } = await createWithExamples();
  await assert.rejects(tuner.explain(image()), code('NOT_TRAINED'));
  await tuner.train({ epochs: 1, views: 1 }).report;
  core.log.length = 0;
  const { width, height, heat } = await tuner.explain(image(), ' cat ');
  assert.deepEqual([width, height, heat.length], [1, 1, 1]);
  await tuner.explain(image());
  assert.deepEqual(core.log, ['explain cat from 4', 'explain undefined from 4']);
});

test('in live mode every change is learnt from before its call resolves', async () => {
  const { tuner, core } = await createWithExamples();
  await assert.rejects(tuner.predict(image()), code('NOT_TRAINED'));
  await tuner.setLive(true);
  assert.equal((await tuner.predict(image())).label, 'cat');
  const follows = () => core.log.splice(0).filter((line) => line.startsWith('follow'));
  assert.deepEqual(follows(), ['follow 3']);
  await tuner.addExamples('dog', [image(), image()]);
  await tuner.relabelExamples(1, 'dog');
  await tuner.removeExamples([4, 5]);
  assert.deepEqual(follows(), ['follow 4', 'follow 5', 'follow 5', 'follow 3']);
  await tuner.setLive(false);
  await tuner.addExamples('dog', image());
  assert.deepEqual(follows(), []);
  await assert.rejects(tuner.setLive('yes' as unknown as boolean), code('OPTION_INVALID'));
});

test('the pretrained classifier is read once, from its file or from the weights\' own', async () => {
  for (const [options, read] of [
    [{ backbone: WEIGHTS }, 'classifier of the weights'],
    [{ backbone: WEIGHTS, classifier: new Blob(['classes']) }, 'classifier 7'],
  ] as const) {
    const { tuner, core } = await create({ ...options });
    for (let call = 0; call < 2; call++) await tuner.classifyPretrained(image());
    assert.deepEqual(core.log.filter((line) => line.startsWith('classifier')), [read]);
  }
});

test('what trains stages is made once, when it is first asked for', async () => {
  const { tuner, core } = await createWithExamples();
  let made = 0;
  core.onFineTuner = () => void (made += 1);
  await tuner.train({ epochs: 1, views: 1 }).report;
  assert.equal(made, 0);
  for (let round = 0; round < 2; round++) {
    const events: TrainEvent[] = [];
    for await (const event of tuner.train({ strategy: 'partial', epochs: 1, views: 1 })) events.push(event);
    const phases = events.flatMap((event) => (event.type === 'epoch' ? [event.phase] : []));
    assert.deepEqual(phases, ['head', 'tune', 'tune']);
  }
  assert.equal(made, 1);
  assert.equal(core.log.filter((line) => line === 'finish tuning 4').length, 2);
});

test('where what trains stages cannot be had, nothing is embedded, the head stays, and the next training tries again', async () => {
  const { tuner, core } = await createWithExamples();
  await tuner.train({ epochs: 1, views: 1 }).report;
  const before = tuner.report;
  core.onFineTuner = () => {
    throw new RekindleError('WASM_FAILED', 'it did not arrive');
  };
  core.log.length = 0;
  await assert.rejects(tuner.train({ strategy: 'full', epochs: 1, views: 3 }).report, code('WASM_FAILED'));
  assert.deepEqual([core.log, tuner.report], [[], before]);
  core.onFineTuner = () => {};
  await tuner.train({ strategy: 'full', epochs: 1, views: 3 }).report;
});
