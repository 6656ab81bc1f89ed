/** Files that are no usable image: each is rejected by itself, and the good ones beside it are added. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

const EXPECTED: Record<string, 'IMAGE_DECODE' | 'IMAGE_SHAPE'> = {
  'corrupt JPEG': 'IMAGE_DECODE',
  'corrupt PNG': 'IMAGE_DECODE',
  'truncated JPEG': 'IMAGE_DECODE',
  'truncated PNG': 'IMAGE_DECODE',
  'truncated WebP': 'IMAGE_DECODE',
  'header of a JPEG': 'IMAGE_DECODE',
  'empty file': 'IMAGE_DECODE',
  'text named jpg': 'IMAGE_DECODE',
  'PDF named png': 'IMAGE_DECODE',
  'animated GIF': 'IMAGE_DECODE',
  'animated PNG': 'IMAGE_DECODE',
  'animated WebP': 'IMAGE_DECODE',
  'PNG of width 0': 'IMAGE_SHAPE',
  'PNG of height 0': 'IMAGE_SHAPE',
  'PNG over 100 megapixels': 'IMAGE_SHAPE',
  'JPEG over 100 megapixels': 'IMAGE_SHAPE',
  'canvas of width 0': 'IMAGE_SHAPE',
  'image element without an image': 'IMAGE_DECODE',
  'video without a frame': 'IMAGE_SHAPE',
};

const page = await site.page();
const result = await page.evaluate(async () => {
  const { Tuner } = await import('rekindle');
  const made = await import('page/files.js');
  const { outcome } = await import('page/outcome.js');
  const { photos } = await import('page/photos.js');
  const [photo, other] = (await photos('train', 2)).map(({ file }) => file) as [File, File];
  const bitmap = await createImageBitmap(photo);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  const png = await canvas.convertToBlob({ type: 'image/png' });
  const webp = await canvas.convertToBlob({ type: 'image/webp' });
  const noise = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 2_654_435_761) >>> 13);
  const bad = {
    'corrupt JPEG': new File([photo.slice(0, 100), noise], 'corrupt.jpg', { type: 'image/jpeg' }),
    'corrupt PNG': new File([png.slice(0, 200), noise, png.slice(20_200)], 'corrupt.png', { type: 'image/png' }),
    'truncated JPEG': await made.cut(photo, 0.5),
    'truncated PNG': await made.cut(png, 0.5),
    'truncated WebP': await made.cut(webp, 0.5),
    'header of a JPEG': made.jpegHeader(640, 480),
    'empty file': new File([], 'empty.jpg', { type: 'image/jpeg' }),
    'text named jpg': new File(['these are words'], 'words.jpg', { type: 'image/jpeg' }),
    'PDF named png': new File(['%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF'], 'page.png', { type: 'image/png' }),
    'animated GIF': made.gif(2),
    'animated PNG': await made.png(8, 8, [255, 0, 0, 255], 2),
    'animated WebP': await made.animatedWebp(webp, bitmap.width, bitmap.height),
    'PNG of width 0': made.pngHeader(0, 8),
    'PNG of height 0': made.pngHeader(8, 0),
    'PNG over 100 megapixels': made.pngHeader(10_001, 10_000),
    'JPEG over 100 megapixels': made.jpegHeader(10_001, 10_000),
    'canvas of width 0': Object.assign(document.createElement('canvas'), { width: 0 }),
    'image element without an image': new Image(),
    'video without a frame': document.createElement('video'),
  };
  const good = { photo, other, png: await made.png(8, 8, [255, 0, 0, 255]), gif: made.gif(1), bitmap };

  const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
  // Good and bad ones by turns, so that an index which counts only one of them is wrong.
  const names = Object.keys(bad).flatMap((name, index) => [...Object.keys(good).slice(index, index + 1), name]);
  const images = names.map((name) => ({ ...bad, ...good })[name as keyof typeof bad]);
  const { added, rejected } = await tuner.addExamples('mixed', images);

  const predicted: Record<string, unknown> = {};
  await tuner.addExamples('plain', [photo, other]);
  await tuner.train({ epochs: 2, views: 1 }).report;
  for (const [name, image] of Object.entries(bad)) predicted[name] = await outcome(() => tuner.predict(image));
  const classes = tuner.classes;
  const afterwards = await tuner.predict(photo);
  await tuner.dispose();
  return {
    names,
    good: Object.keys(good).length,
    added: added.length,
    rejected: rejected.map(({ index, error }) => ({
      name: names[index],
      error: { name: error.name, code: error.code, message: error.message },
    })),
    predicted,
    classes,
    afterwards,
  };
});

for (const [name, code] of Object.entries(EXPECTED)) {
  test(`${name}: ${code}`, () => {
    const found = result.rejected.filter((rejected) => rejected.name === name);
    assert.equal(found.length, 1, 'rejected once, at its own index');
    assert.equal(found[0]?.error.code, code);
    assert.equal(found[0]?.error.name, 'RekindleError');
    assert.ok((found[0]?.error.message.length ?? 0) > 10);
    assert.equal((result.predicted[name] as { code: string }).code, code, 'predict says the same');
  });
}

test('the good ones are added and nothing else is lost', () => {
  assert.equal(result.added, result.good);
  assert.equal(result.rejected.length, Object.keys(EXPECTED).length);
  assert.deepEqual(result.classes, [{ label: 'mixed', count: result.good }, { label: 'plain', count: 2 }]);
  assert.equal(result.afterwards.scores.length, 2);
});
