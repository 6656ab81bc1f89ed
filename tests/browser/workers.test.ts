/** Embedding on more than one core: the same numbers, and nothing left behind. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('two workers give what one gives, to the last bit', async (t) => {
  const page = await site.page();
  const outcomes = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const classes = byLabel(await photos('train', 8));
    const image = classes.get('bird')?.[0] as File;
    const outcome = async (workers: number) => {
      const tuner = await Tuner.create({ device: 'cpu', seed: 1, workers });
      for (const [label, files] of classes) await tuner.addExamples(label, files);
      const { timings, ...report } = await tuner.train({ epochs: 5, views: 4 }).report;
      const prediction = await tuner.predict(image);
      await tuner.dispose();
      return { report, prediction, timings };
    };
    return { one: await outcome(1), two: await outcome(2) };
  });
  const { one, two } = outcomes;
  assert.equal(two.timings.embeddedViews, one.timings.embeddedViews);
  assert.deepEqual({ ...two, timings: null }, { ...one, timings: null });
  t.diagnostic(`embedding with two workers: ${(one.timings.embedMs / two.timings.embedMs).toFixed(2)} times as fast as with one`);
});

test('disposing of a tuner ends its helpers', async () => {
  const page = await site.page();
  // Asked of the browser itself: the pages' own list of workers may keep a helper whose session ended first.
  const browser = await site.browser.newBrowserCDPSession();
  const alive = async () => {
    const { targetInfos } = await browser.send('Target.getTargets', { filter: [{ type: 'worker' }] });
    return targetInfos.length;
  };
  const tuner = await page.evaluateHandle(async () => {
    const { Tuner } = await import('rekindle');
    return Tuner.create({ device: 'cpu', workers: 3 });
  });
  assert.equal(await alive(), 3);
  await tuner.evaluate((tuner) => tuner.dispose());
  const deadline = Date.now() + 10_000;
  while ((await alive()) > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await alive(), 0);
});
