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
  let loading = 0;
  await page.exposeFunction('loaded', () => void (loading = seen.length));

  const { before, after } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ seed: 1 });
    const classes = byLabel(await photos('train', 3));
    await (window as unknown as { loaded(): Promise<void> }).loaded();

    for (const [label, files] of classes) await tuner.addExamples(label, files);
    await tuner.train({ epochs: 5, views: 2 }).report;
    const image = classes.get('bird')?.[0] as File;
    await tuner.embed(image);
    await tuner.preview(image);
    await tuner.evaluate([{ image, label: 'bird' }]);
    const before = await tuner.predict(image);
    const saved = await tuner.save();
    await tuner.dispose();
    const opened = await Tuner.open(saved);
    const after = await opened.predict(image);
    await opened.dispose();
    return { before, after };
  });
  assert.deepEqual(after, before);

  const [first, later] = [seen.slice(0, loading), seen.slice(loading)];
  assert.ok(first.some((url) => url.endsWith('.wasm')), "the worker's requests are not seen");
  const outside = seen.filter((url) => !url.startsWith(`${site.server.origin}/`));
  assert.deepEqual(outside, [], 'another server was asked');
  // Opening starts a new worker, which loads the package's own files once more.
  const own = new Set(first.filter((url) => new URL(url).pathname.startsWith('/rekindle/')));
  assert.deepEqual(later.filter((url) => !own.has(url)), []);
});

test('training stages fetches what trains them, once, and nothing else', async () => {
  const page = await site.page();
  const seen: string[] = [];
  await page.exposeFunction('loaded', () => void (seen.length = 0));
  page.context().on('request', (request) => seen.push(new URL(request.url()).pathname));
  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ seed: 1, inputSize: 64 });
    const classes = byLabel(await photos('train', 3));
    await (window as unknown as { loaded(): Promise<void> }).loaded();
    for (const [label, files] of classes) await tuner.addExamples(label, files);
    await tuner.train({ views: 1 }).report;
    for (let round = 0; round < 2; round++) await tuner.train({ strategy: 'partial', views: 1, tune: { epochs: 1 } }).report;
    await tuner.dispose();
  });
  const own = seen.filter((path) => path.startsWith('/rekindle/')).map((path) => path.replace(/-(plain|relaxed)\./, '.'));
  assert.deepEqual(own.sort(), ['/rekindle/dist/wasm/kernels.wasm', '/rekindle/dist/wasm/tune/rekindle_bg.wasm']);
});
