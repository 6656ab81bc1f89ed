/** Fine-tuning the last stages: it learns, survives saving, does not depend on pauses or the cache, and does no harm. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TrainOptions } from 'rekindle';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

const TUNE: TrainOptions = { strategy: 'partial', views: 2, batchSize: 16, tune: { epochs: 3 } };

/** When a training is paused: while views or features at the cut are prepared, or after epochs of the head or of the stages. */
type Pausing = 'never' | 'views' | 'cut' | 'head' | 'tune';

/** Trains at a small input; gives the report without timings, predictions as they were and as an opened project has them. */
async function train(options: TrainOptions, pausing: Pausing = 'never') {
  const page = await site.page();
  return page.evaluate(
    async ({ options, pausing }) => {
      const { Tuner } = await import('rekindle');
      const { byLabel, photos } = await import('page/photos.js');
      const tuner = await Tuner.create({ device: 'cpu', seed: 3, inputSize: 96 });
      for (const [label, files] of byLabel(await photos('train', 12))) await tuner.addExamples(label, files);
      const run = tuner.train(options);
      let duringPause = 0;
      let prepared = 0;
      let pauses = 0;
      let learnt = false;
      for await (const event of run) {
        if (event.type === 'prepare') prepared += 1;
        if (event.type === 'epoch') learnt = true;
        const at = event.type === 'epoch' ? event.phase : event.type === 'done' ? 'done' : learnt ? 'cut' : 'views';
        // A few pauses tell as much as one after each of many events.
        if (at !== pausing || pauses === 4) continue;
        pauses += 1;
        run.pause();
        const events: unknown[] = [];
        const watch = (async () => {
          for await (const later of run) events.push(later);
        })();
        // What was posted before the pause arrived there still arrives; after that nothing may.
        await new Promise((resolve) => setTimeout(resolve, 300));
        const settled = events.length;
        await new Promise((resolve) => setTimeout(resolve, 700));
        duringPause += events.length - settled;
        run.resume();
        void watch.catch(() => {});
      }
      const { timings, ...report } = await run.report;
      const images = (await photos('test', 2)).map(({ file }) => file);
      const predictions = await tuner.predict(images);
      const opened = await Tuner.open(await tuner.save());
      const again = await opened.predict(images);
      const openedReport = opened.report;
      await tuner.dispose();
      await opened.dispose();
      return { report, timings, predictions, again, openedReport, duringPause, pauses, prepared };
    },
    { options, pausing },
  );
}

test('the last stages are trained, saved and opened, and predict as before', async (t) => {
  // Without photos kept aside nothing can be compared, and what was trained is kept.
  const { report, predictions, again, openedReport, timings } = await train({ ...TUNE, validation: 0 });
  const rows = report.epochs.filter(({ phase }) => phase === 'tune');
  assert.deepEqual(report.tuning, { cut: 17, kept: true, reason: 'notCompared', headValidation: null });
  assert.equal(rows.length, 3);
  assert.ok(rows.at(-1)!.trainLoss < rows[0]!.trainLoss, 'the loss goes down');
  t.diagnostic(`${timings.trainMs.toFixed(0)} ms`);
  assert.deepEqual(again, predictions);
  assert.deepEqual(openedReport, report);
  const alone = await train({ ...TUNE, validation: 0, strategy: 'head' });
  assert.equal(alone.report.tuning, null);
  assert.notDeepEqual(predictions, alone.predictions);
});

const HEAD = { views: 2, batchSize: 16, epochs: 12 } satisfies TrainOptions;
const PAUSED: [string, TrainOptions, Pausing][] = [
  ['while views are prepared', HEAD, 'views'],
  ['of a head that is solved', HEAD, 'head'],
  ['of a head that goes by batches', { ...HEAD, solver: 'adamw' }, 'head'],
  ['while the features at the cut are prepared', TUNE, 'cut'],
  ['of the last stages', TUNE, 'tune'],
  ['of stages that are let loose one after the other', { ...TUNE, strategy: 'staged' }, 'tune'],
];

for (const [when, options, pausing] of PAUSED) {
  test(`pauses ${when} change nothing`, async () => {
    const plain = await train(options);
    const paused = await train(options, pausing);
    assert.ok(paused.pauses > 0, 'it was paused');
    assert.equal(paused.duringPause, 0, 'nothing happens while it is paused');
    assert.deepEqual(paused.report, plain.report);
    assert.deepEqual(paused.predictions, plain.predictions);
  });
}

test('the size of the cache changes nothing', async () => {
  const plain = await train(TUNE);
  const uncached = await train({ ...TUNE, tune: { ...TUNE.tune, cacheMb: 0 } });
  assert.deepEqual(uncached.report.epochs, plain.report.epochs);
  assert.deepEqual(uncached.predictions, plain.predictions);
});

test('with mixup the images are kept, or read again, and the result is the same', async (t) => {
  const mixed = { ...TUNE, validation: 0, tune: { epochs: 2, mixup: 0.4 } };
  const plain = await train({ ...mixed, tune: { epochs: 2 } });
  const kept = await train(mixed);
  assert.deepEqual(kept.report.tuning, plain.report.tuning);
  assert.notDeepEqual(kept.predictions, plain.predictions);
  assert.deepEqual(kept.again, kept.predictions);
  t.diagnostic(`${kept.timings.trainMs.toFixed(0)} ms, ${plain.timings.trainMs.toFixed(0)} ms without`);
  const uncached = await train({ ...mixed, tune: { ...mixed.tune, cacheMb: 0 } });
  assert.ok(uncached.timings.embeddedViews > kept.timings.embeddedViews);
  assert.deepEqual(uncached.report.epochs, kept.report.epochs);
  assert.deepEqual(uncached.predictions, kept.predictions);
});

test('a fine-tuning that makes it worse leaves the head alone', async () => {
  const harmful = { ...TUNE, tune: { epochs: 1, learningRate: 1, backboneRate: 1, clip: 0, warmup: 0 } } satisfies TrainOptions;
  const { report, predictions } = await train(harmful);
  const alone = await train({ ...TUNE, strategy: 'head' });
  assert.equal(report.tuning?.kept, false);
  assert.deepEqual(report.validation, report.tuning?.headValidation);
  assert.deepEqual(predictions, alone.predictions);
});

test('a cut that the backbone does not have is refused by name', async () => {
  const refused = await (await site.page()).evaluate(async () => {
    const { RekindleError, Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', inputSize: 32 });
    for (const [label, files] of byLabel(await photos('train', 2))) await tuner.addExamples(label, files);
    const refused = [];
    for (const tune of [{ lastStages: 40 }, { cut: 'attic' }]) {
      const error = await tuner.train({ strategy: 'partial', tune }).report.catch((error: unknown) => error);
      if (error instanceof RekindleError) refused.push({ code: error.code, option: error.details['option'], expected: error.details['expected'] });
    }
    await tuner.dispose();
    return refused;
  });
  assert.deepEqual(
    refused.map(({ code, option }) => [code, option]),
    [['OPTION_INVALID', 'tune.lastStages'], ['OPTION_INVALID', 'tune.cut']],
  );
  assert.match(String(refused[1]?.expected), /^one of convolution1, invertedResidual1, .*, convolution2$/);
});
