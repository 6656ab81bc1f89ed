/** The page stays smooth: all work is in the library's worker. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('no task of the main thread is longer than 50 ms while 133 photos are added and trained on', async () => {
  const page = await site.page();
  const { control, tasks, added } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const classes = byLabel(await photos('train'));
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });

    // Long-task entries begin at 50 ms.
    const seen: { startTime: number; duration: number }[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) seen.push({ startTime, duration });
    });
    observer.observe({ type: 'longtask' });
    const settled = () => new Promise((resolve) => setTimeout(resolve, 200));

    // The observer sees a task that is too long: without this, a silent one would pass.
    await settled();
    const busyUntil = performance.now() + 80;
    while (performance.now() < busyUntil);
    await settled();
    const control = seen.splice(0);

    let added = 0;
    for (const [label, files] of classes) added += (await tuner.addExamples(label, files)).added.length;
    const run = tuner.train();
    for await (const event of run) document.title = event.type;
    await run.report;
    await settled();
    return { control, tasks: seen, added };
  });
  assert.equal(added, 133);
  assert.ok(control.some(({ duration }) => duration >= 80), 'long tasks are not reported by this browser');
  assert.deepEqual(tasks, []);
});
