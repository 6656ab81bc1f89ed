/** Live mode: the model follows every image that is added, without a training. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('predictions are of the images as they are, and a training goes on from there', async (t) => {
  const page = await site.page();
  const found = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    const classes = byLabel(await photos('train', 8));
    const test = await photos('test');
    await tuner.setLive(true);
    const accuracies = [];
    for (let index = 0; index < 8; index += 1) {
      for (const [label, files] of classes) await tuner.addExamples(label, files[index] as File);
      const { accuracy } = await tuner.evaluate(test.map(({ label, file }) => ({ label, image: file })));
      accuracies.push(accuracy);
    }
    const followed = tuner.report;
    await tuner.setLive(false);
    const known = [...classes.keys()];
    await tuner.removeClass(known[0] as string);
    const still = (await tuner.predict(test[0]?.file as File)).scores.length;
    await tuner.setLive(true);
    const fewer = (await tuner.predict(test[0]?.file as File)).scores.length;
    const report = await tuner.train({ views: 1 }).report;
    await tuner.dispose();
    return { accuracies, followed, still, fewer, report };
  });
  t.diagnostic(`accuracy after 1 to 8 photos of each class: ${found.accuracies.map((a) => a.toFixed(3)).join(' ')}`);
  assert.ok((found.accuracies[0] ?? 0) > 0.5 && (found.accuracies[7] ?? 0) > 0.8, 'six classes are told apart');
  assert.equal(found.followed?.trainExamples, 48);
  assert.deepEqual([found.still, found.fewer], [6, 5]);
  assert.equal(found.report.trainExamples, 40);
});
