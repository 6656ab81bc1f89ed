/** Embedding on more than one core: the same numbers, whatever happens to a helper, and nothing left behind. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openSite } from './site.ts';

const PHOTOS_A_CLASS = 8;
/** Until the browser says that a worker is gone; it took at most 120 ms in 40 trials. */
const PATIENCE_MS = 10_000;

const site = await openSite();
after(() => site.close());

/** Makes a tuner with photos in the page, as `window.tuner`. */
async function create(page: Page, workers: number): Promise<void> {
  await page.evaluate(
    async ({ workers, perClass }) => {
      const { Tuner } = await import('rekindle');
      const { byLabel, photos } = await import('page/photos.js');
      const tuner = await Tuner.create({ device: 'cpu', seed: 1, workers });
      for (const [label, files] of byLabel(await photos('train', perClass))) await tuner.addExamples(label, files);
      Object.assign(window, { tuner });
    },
    { workers, perClass: PHOTOS_A_CLASS },
  );
}

/** Trains, and predicts an image; the numbers are to be the same whoever embeds. Ends the tuner. */
async function outcome(page: Page) {
  return page.evaluate(async () => {
    const { photos } = await import('page/photos.js');
    const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
    const image = (await photos('test', 1))[0]?.file as File;
    const done: number[] = [];
    const run = tuner.train({ epochs: 5, views: 4 });
    for await (const event of run) if (event.type === 'prepare') done.push(event.doneViews);
    const { timings, ...report } = await run.report;
    const prediction = await tuner.predict(image);
    await tuner.dispose();
    return { numbers: { report, prediction, views: timings.embeddedViews }, done, embedMs: timings.embedMs };
  });
}

/** Addresses of the workers that live, asked of the browser itself. */
async function alive(): Promise<string[]> {
  const browser = await site.browser.newBrowserCDPSession();
  const { targetInfos } = await browser.send('Target.getTargets', { filter: [{ type: 'worker' }] });
  await browser.detach();
  return targetInfos.map(({ targetId }) => targetId);
}

/** That so many workers are left, once the browser has noticed the end of the others. */
async function assertLeft(count: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while ((await alive()).length > count && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await alive()).length, count);
}

test('two workers give what one gives, to the last bit', async (t) => {
  const page = await site.page();
  await create(page, 1);
  const one = await outcome(page);
  await create(page, 2);
  const two = await outcome(page);
  assert.deepEqual(two.numbers, one.numbers);
  assert.equal(two.done.at(-1), two.numbers.views);
  assert.deepEqual(two.done, [...two.done].sort((a, b) => a - b));
  t.diagnostic(`embedding with two workers: ${(one.embedMs / two.embedMs).toFixed(2)} times as fast as with one`);
});

test('disposing of a tuner ends its helpers, at rest and at work, time after time', async () => {
  const page = await site.page();
  await page.evaluate(async () => {
    const { byLabel, photos } = await import('page/photos.js');
    Object.assign(window, { classes: byLabel(await photos('train', 2)) });
  });
  for (let time = 0; time < 10; time++) {
    const tuner = await page.evaluateHandle(async () => {
      const { Tuner } = await import('rekindle');
      return Tuner.create({ device: 'cpu', workers: 3 });
    });
    assert.equal((await alive()).length, 3);
    const tookMs = await tuner.evaluate(async (tuner, atWork) => {
      if (atWork) {
        const { classes } = window as unknown as { classes: Map<string, File[]> };
        for (const [label, files] of classes) await tuner.addExamples(label, files);
        for await (const event of tuner.train({ views: 20 })) if (event.type === 'prepare' && event.doneViews > 8) break;
      }
      const started = performance.now();
      await tuner.dispose();
      return performance.now() - started;
    }, time % 2 === 1);
    assert.ok(tookMs < 100, `disposing took ${tookMs} ms`);
    await assertLeft(0);
  }
});

test('a helper that is killed, before it begins or at work, loses nothing', async () => {
  const page = await site.page();
  await create(page, 1);
  const one = await outcome(page);
  // The page's own list of the workers that it starts: the session's first, then its helpers.
  await page.evaluate(() => {
    const started: Worker[] = [];
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        started.push(this);
      }
    };
    Object.assign(window, { started });
  });
  for (const when of ['before', 'at work']) {
    await page.evaluate(() => (window as unknown as { started: Worker[] }).started.splice(0));
    await create(page, 3);
    await page.evaluate((when) => {
      const { started, tuner } = window as unknown as { started: Worker[]; tuner: import('rekindle').Tuner };
      const kill = () => started[1]?.terminate();
      if (when === 'before') return kill();
      const train = tuner.train.bind(tuner);
      tuner.train = (options) => {
        const run = train(options);
        void (async () => {
          for await (const event of run) if (event.type === 'prepare' && event.doneViews > event.totalViews / 3) return kill();
        })();
        return run;
      };
    }, when);
    await assertLeft(when === 'before' ? 2 : 3);
    assert.deepEqual((await outcome(page)).numbers, one.numbers, when);
    await assertLeft(0);
  }
});
