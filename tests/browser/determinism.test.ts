/** The same seed gives the same training, to the last bit. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { strFromU8, unzipSync } from 'fflate';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

/** Trains in a page of its own; the report without its timings, and the parts of the project file. */
async function train(seed: number) {
  const page = await site.page();
  const { report, saved } = await page.evaluate(async (seed) => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed });
    for (const [label, files] of byLabel(await photos('train', 12))) await tuner.addExamples(label, files);
    const { timings: _, ...report } = await tuner.train({ epochs: 10, views: 2 }).report;
    const bytes = new Uint8Array(await (await tuner.save()).arrayBuffer());
    await tuner.dispose();
    return { report, saved: Array.from(bytes) };
  }, seed);
  const files = unzipSync(Uint8Array.from(saved));
  const head = Object.entries(files).find(([name]) => name.endsWith('.safetensors'));
  assert.ok(head, `the project file holds no head: ${Object.keys(files).join(', ')}`);
  return { report, head: strFromU8(head[1], true) };
}

test('the same seed gives the same report and the same head, another seed does not', async () => {
  const first = await train(11);
  const second = await train(11);
  const other = await train(12);
  assert.ok(first.report.validation, 'twelve a class hold some out');
  assert.deepEqual(second.report, first.report);
  assert.equal(second.head === first.head, true, 'the heads differ');
  assert.equal(other.head === first.head, false, 'another seed gave the same head');
});
