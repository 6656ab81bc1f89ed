/** Where a class was seen: two photos side by side, each marked on its own half. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('each class is marked where it is in the image, at the resolution of the image', async (t) => {
  const page = await site.page();
  const halves = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    for (const [label, files] of byLabel(await photos('train', 10))) await tuner.addExamples(label, files);
    const test = byLabel(await photos('test', 2));

    /** Shares of the positive heat on the left half, for the class shown on the left and for the one on the right. */
    const looked = async (left: string, right: string, index: number) => {
      const canvas = new OffscreenCanvas(600, 400);
      const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
      context.fillStyle = 'white';
      context.fillRect(0, 0, 600, 400);
      for (const [label, x] of [[left, 100], [right, 300]] as const) {
        const bitmap = await createImageBitmap(test.get(label)?.[index] as File);
        context.drawImage(bitmap, x, 100, 200, 200);
      }
      const shares = [];
      for (const label of [left, right]) {
        const { width, height, heat } = await tuner.explain(canvas, label);
        if (width !== 600 || height !== 400 || heat.length !== 600 * 400) throw new Error(`${width}x${height}`);
        let [all, onLeft] = [0, 0];
        for (const [pixel, value] of heat.entries()) {
          if (value > 0) all += value;
          if (value > 0 && pixel % 600 < 300) onLeft += value;
        }
        shares.push(onLeft / all);
      }
      return shares;
    };
    const found = [];
    for (const hidden of [0, 64]) {
      await tuner.train({ views: 2, hidden }).report;
      for (const [left, right] of [['bird', 'coin'], ['flower', 'mammal']] as const) {
        for (const index of [0, 1]) found.push([hidden, left, right, ...(await looked(left, right, index))] as const);
      }
    }
    await tuner.dispose();
    return found;
  });
  for (const [hidden, left, right, ofLeft, ofRight] of halves) {
    t.diagnostic(`${hidden} hidden, ${left} | ${right}: left half has ${ofLeft?.toFixed(2)} and ${ofRight?.toFixed(2)}`);
    assert.ok((ofLeft ?? 0) > (ofRight ?? 1), `${left} is marked further left than ${right}`);
  }
});

test('a class that the head does not know is refused, and so is explaining before a training', async () => {
  const page = await site.page();
  const codes = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const { outcome } = await import('page/outcome.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1, inputSize: 96 });
    const classes = byLabel(await photos('train', 2));
    for (const [label, files] of classes) await tuner.addExamples(label, files);
    const photo = classes.get('bird')?.[0] as File;
    const before = await outcome(() => tuner.explain(photo));
    await tuner.train({ views: 1 }).report;
    const after = await outcome(() => tuner.explain(photo, 'unicorn'));
    await tuner.dispose();
    return [before, after].map((one) => (one.ok ? 'accepted' : one.code));
  });
  assert.deepEqual(codes, ['NOT_TRAINED', 'LABEL_UNKNOWN']);
});
