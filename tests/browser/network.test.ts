/** Nothing leaves the device: once the package's own files are there, no request is made. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('a whole session makes no request after loading', async () => {
  const page = await site.page();
  const seen: string[] = [];
  page.context().on('request', (request) => seen.push(request.url()));

  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ seed: 1 });
    Object.assign(window, { Tuner, tuner, classes: byLabel(await photos('train', 3)) });
  });
  const served = [...site.server.requests];
  assert.ok(served.some((path) => path.endsWith('.wasm')), 'the package was not fetched from here');
  assert.ok(seen.some((url) => url.endsWith('.wasm')), "the worker's requests are not seen");
  const outside = seen.filter((url) => !url.startsWith(site.server.origin) && !url.startsWith('blob:') && !url.startsWith('data:'));
  assert.deepEqual(outside, [], 'loading asked another server');

  seen.length = 0;
  const label = await page.evaluate(async () => {
    type Rekindle = typeof import('rekindle');
    const { Tuner, tuner, classes } = window as unknown as {
      Tuner: Rekindle['Tuner'];
      tuner: Awaited<ReturnType<Rekindle['Tuner']['create']>>;
      classes: Map<string, File[]>;
    };
    for (const [label, files] of classes) await tuner.addExamples(label, files);
    await tuner.train({ epochs: 5, views: 2 }).report;
    const image = [...classes.values()].flat()[0] as File;
    await tuner.embed(image);
    await tuner.evaluate([{ image, label: [...classes.keys()][0] as string }]);
    const saved = await tuner.save();
    const before = await tuner.predict(image);
    await tuner.dispose();
    // Opening makes a new worker, which loads the package's own files again and nothing else.
    const opened = await Tuner.open(saved);
    const { label } = await opened.predict(image);
    await opened.dispose();
    return label === before.label ? label : `${label}, not ${before.label}`;
  });
  assert.equal(label, 'bird');
  const own = new Set(served.filter((path) => path.startsWith('/rekindle/')));
  const others = seen.filter((url) => !own.has(new URL(url).pathname));
  assert.deepEqual(others, []);
});
