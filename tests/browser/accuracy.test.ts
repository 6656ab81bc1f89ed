/** What a person gets with the defaults, on real photos, on the CPU. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const SEEDS = [1, 2, 3, 4, 5];

const site = await openSite();
after(() => site.close());
const page = await site.page();

/** Trains on the photos, or on `perClass` of each class drawn with the seed, and gives the accuracy on the test photos. */
function accuracy(seed: number, perClass?: number): Promise<number> {
  return page.evaluate(
    async ({ seed, perClass }) => {
      const { Tuner } = await import('rekindle');
      const { byLabel, draw, photos } = await import('page/photos.js');
      const train = await photos('train');
      const tuner = await Tuner.create({ device: 'cpu', seed });
      for (const [label, files] of byLabel(perClass === undefined ? train : draw(train, perClass, seed))) {
        await tuner.addExamples(label, files);
      }
      await tuner.train().report;
      const metrics = await tuner.evaluate((await photos('test')).map(({ label, file }) => ({ image: file, label })));
      await tuner.dispose();
      return metrics.accuracy;
    },
    { seed, perClass },
  );
}

async function overSeeds(perClass?: number): Promise<number[]> {
  const accuracies = [];
  for (const seed of SEEDS) accuracies.push(await accuracy(seed, perClass));
  return accuracies;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function show(values: number[]): string {
  return `${mean(values).toFixed(4)} (${values.map((value) => value.toFixed(3)).join(' ')})`;
}

test('all 133 photos with the defaults: at least 0.91 of the 57 test photos, averaged over seeds', async (t) => {
  const accuracies = await overSeeds();
  t.diagnostic(`test accuracy ${show(accuracies)}`);
  assert.ok(mean(accuracies) >= 0.91, `the mean is ${show(accuracies)}`);
});

test('5 photos of each class with the defaults: at least 0.86, averaged over draws', async (t) => {
  const accuracies = await overSeeds(5);
  t.diagnostic(`test accuracy from 5 a class ${show(accuracies)}`);
  assert.ok(mean(accuracies) >= 0.86, `the mean is ${show(accuracies)}`);
});
