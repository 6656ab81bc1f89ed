/** Saving and opening: a project predicts as before, wherever it is opened. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('an opened project predicts exactly as before, in the same page and in a new one', async () => {
  const page = await site.page();
  const { before, same, saved, report } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 5, inputSize: 160 });
    for (const [label, files] of byLabel(await photos('train', 5))) await tuner.addExamples(label, files);
    const report = await tuner.train({ epochs: 10, views: 2 }).report;
    const images = (await photos('test', 2)).map(({ file }) => file);
    const before = [];
    for (const image of images) before.push(await tuner.predict(image));
    const blob = await tuner.save();
    await tuner.dispose();
    const opened = await Tuner.open(blob);
    const same = [];
    for (const image of images) same.push(await opened.predict(image));
    await opened.dispose();
    return { before, same, report, saved: Array.from(new Uint8Array(await blob.arrayBuffer())) };
  });
  assert.equal(before.length, 12);
  assert.deepEqual(same, before);

  const other = await (await site.page()).evaluate(async (saved) => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.open(new Blob([new Uint8Array(saved)]));
    const predictions = [];
    for (const { file } of await photos('test', 2)) predictions.push(await tuner.predict(file));
    const classes = tuner.classes;
    const opened = tuner.report;
    // It can be trained anew, from new examples of its classes.
    for (const [label, files] of byLabel(await photos('train', 2))) await tuner.addExamples(label, files);
    const again = await tuner.train({ epochs: 2, views: 1 }).report;
    await tuner.dispose();
    return { predictions, classes, opened, again: again.epochs.length };
  }, saved);
  assert.deepEqual(other.predictions, before);
  assert.deepEqual(other.classes.map(({ label }) => label).sort(), ['bird', 'coin', 'flower', 'fruit', 'mammal', 'vegetable']);
  assert.deepEqual(other.opened?.epochs, report.epochs);
  assert.equal(other.again, 2);
});
