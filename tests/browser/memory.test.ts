/** Memory of a page that holds 2,000 examples: images are kept as files, not decoded. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { addCrops } from './crops.ts';
import { idleMemory, memory } from './memory.ts';
import { openSite } from './site.ts';

const EXAMPLES = 2000;
const BATCH = 250;
const LIMIT_MB = 250;

const site = await openSite();
after(() => site.close());

test('2,000 examples: memory grows linearly and stays under 250 MB above the idle page', async (t) => {
  const page = await site.page();
  const idle = await idleMemory(site.browser, page);
  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    Object.assign(window, { tuner: await Tuner.create({ device: 'cpu', seed: 1 }) });
  });
  const above = [(await memory(site.browser, page)) - idle];
  for (let from = 0; from < EXAMPLES; from += BATCH) {
    assert.equal(await addCrops(page, from, BATCH), BATCH);
    above.push((await memory(site.browser, page)) - idle);
  }
  t.diagnostic(`MB above idle (${idle.toFixed(0)}) after every ${BATCH} examples: ${above.map((mb) => mb.toFixed(0)).join(' ')}`);
  assert.ok(Math.max(...above) < LIMIT_MB, `${Math.max(...above).toFixed(0)} MB above the idle page`);

  // The first batch also warms up; of the rest, the second half may not grow faster than the first by more than half
  // and the noise of the collector.
  const [start = 0, middle = 0, end = 0] = [above[2], above[5], above[8]];
  assert.ok(end - middle <= 1.5 * (middle - start) + 15, `${(middle - start).toFixed(0)} MB and then ${(end - middle).toFixed(0)} MB more`);

  const views = await page.evaluate(async () => {
    const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
    const report = await tuner.train({ views: 1, epochs: 2 }).report;
    return report.timings.embeddedViews;
  });
  const trained = (await memory(site.browser, page)) - idle;
  t.diagnostic(`MB above idle after training on one view of each: ${trained.toFixed(0)}`);
  assert.equal(views, EXAMPLES);
  assert.ok(trained < LIMIT_MB, `${trained.toFixed(0)} MB above the idle page after training`);
});
