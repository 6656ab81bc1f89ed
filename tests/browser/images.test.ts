/** Every way to give an image, and what must be done to it before it is looked at. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

/** A page with a tuner that was trained on a few photos, as `window.tuner`. */
async function trainedPage(): Promise<Page> {
  const page = await site.page();
  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    for (const [label, files] of byLabel(await photos('train', 4))) await tuner.addExamples(label, files);
    await tuner.train({ epochs: 10, views: 2 }).report;
    Object.assign(window, { tuner });
  });
  return page;
}

let page: Page;
before(async () => void (page = await trainedPage()));

describe('kinds of input', () => {
  /** The prediction for the same pixels, given as each kind. */
  async function predictions() {
    return page.evaluate(async () => {
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const { photos } = await import('page/photos.js');
      const photo = (await photos('test', 1))[0]?.file as File;

      // A PNG of the photo's pixels: every kind below holds exactly these.
      const decoded = await createImageBitmap(photo);
      const { width, height } = decoded;
      const offscreen = new OffscreenCanvas(width, height);
      const drawing = offscreen.getContext('2d') as OffscreenCanvasRenderingContext2D;
      drawing.drawImage(decoded, 0, 0);
      const blob = await offscreen.convertToBlob({ type: 'image/png' });
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      (canvas.getContext('2d') as CanvasRenderingContext2D).drawImage(decoded, 0, 0);
      const element = new Image();
      element.src = URL.createObjectURL(blob);
      await element.decode();
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = canvas.captureStream();
      // A stream gets a frame when its canvas is drawn on, and a video plays once it has one.
      const redraw = setInterval(() => (canvas.getContext('2d') as CanvasRenderingContext2D).drawImage(decoded, 0, 0), 50);
      await video.play();
      clearInterval(redraw);

      const kinds = {
        Blob: blob,
        File: new File([blob], 'photo.png', { type: 'image/png' }),
        ImageBitmap: decoded,
        ImageData: drawing.getImageData(0, 0, width, height),
        HTMLImageElement: element,
        HTMLCanvasElement: canvas,
        OffscreenCanvas: offscreen,
        HTMLVideoElement: video,
      };
      const results: Record<string, import('rekindle').Prediction> = {};
      for (const [kind, image] of Object.entries(kinds)) results[kind] = await tuner.predict(image);
      const usable = decoded.width === width && offscreen.width === width;
      const together = await tuner.predict(Object.values(kinds));
      video.srcObject = null;
      return { results, usable, together };
    });
  }

  test('the same pixels give the same prediction whichever way they are given', async (t) => {
    const { results, usable, together } = await predictions();
    const { HTMLVideoElement: video, ...exact } = results;
    for (const [kind, prediction] of Object.entries(exact)) assert.deepEqual(prediction, exact['Blob'], kind);
    // A video's frame has gone through YUV with its colours at half the resolution.
    const difference = Math.abs((video?.probability ?? NaN) - (exact['Blob']?.probability ?? NaN));
    t.diagnostic(`the probability from a video's frame differs by ${difference.toFixed(4)}`);
    assert.equal(video?.label, exact['Blob']?.label);
    assert.ok(difference < 0.1);
    assert.ok(usable, 'an input was taken away from the caller');
    assert.deepEqual(together, Object.values(results), 'a batch gives what single calls give');
  });

  test('the scores are sorted and sum to one', async () => {
    const { results } = await predictions();
    for (const { scores, label, probability } of Object.values(results)) {
      assert.equal(scores.length, 6);
      assert.ok(Math.abs(scores.reduce((sum, score) => sum + score.probability, 0) - 1) < 1e-5);
      assert.deepEqual([...scores].sort((a, b) => b.probability - a.probability), scores);
      assert.deepEqual(scores[0], { label, probability });
    }
  });

  test('every kind can be an example', async () => {
    const added = await page.evaluate(async () => {
      const { Tuner } = await import('rekindle');
      const { photos } = await import('page/photos.js');
      const photo = (await photos('train', 1))[0]?.file as File;
      const bitmap = await createImageBitmap(photo);
      const canvas = document.createElement('canvas');
      const offscreen = new OffscreenCanvas(64, 64);
      Object.assign(canvas, { width: 64, height: 64 });
      (canvas.getContext('2d') as CanvasRenderingContext2D).drawImage(bitmap, 0, 0);
      const drawing = offscreen.getContext('2d') as OffscreenCanvasRenderingContext2D;
      drawing.drawImage(bitmap, 0, 0);
      const element = new Image();
      element.src = URL.createObjectURL(photo);
      await element.decode();
      const tuner = await Tuner.create({ device: 'cpu' });
      const images = [photo, bitmap, canvas, offscreen, drawing.getImageData(0, 0, 64, 64), element];
      const first = await tuner.addExamples('a', images);
      const second = await tuner.addExamples('b', images);
      const report = await tuner.train({ epochs: 1, views: 1 }).report;
      await tuner.dispose();
      return { added: first.added.length + second.added.length, rejected: first.rejected.length, trained: report.trainExamples };
    });
    assert.deepEqual(added, { added: 12, rejected: 0, trained: 12 });
  });
});

describe('what is done to the pixels', () => {
  test('a JPEG is turned as its EXIF orientation says', async (t) => {
    const similarities = await page.evaluate(async () => {
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const { oriented } = await import('page/files.js');
      const { photos } = await import('page/photos.js');
      const photo = (await photos('test', 1))[0]?.file as File;
      const source = await createImageBitmap(photo, { resizeWidth: 320, resizeHeight: 240 });
      const cosine = (a: Float32Array, b: Float32Array) => {
        const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, at) => sum + value * (y[at] as number), 0);
        return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      };
      // Which corner of the shown image the first stored pixel is: [rows are columns, from the right, from the bottom].
      const placements: [boolean, boolean, boolean][] = [
        [false, false, false], [false, true, false], [false, true, true], [false, false, true],
        [true, false, false], [true, true, false], [true, true, true], [true, false, true],
      ];
      /** The JPEG that shows the source when its orientation is followed. */
      const stored = async ([turned, right, bottom]: [boolean, boolean, boolean]) => {
        const [width, height] = turned ? [240, 320] : [320, 240];
        const canvas = new OffscreenCanvas(width, height);
        const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
        if (turned) drawing.transform(0, 1, 1, 0, 0, 0);
        drawing.transform(right ? -1 : 1, 0, 0, bottom ? -1 : 1, right ? 320 : 0, bottom ? 240 : 0);
        drawing.drawImage(source, 0, 0);
        return canvas.convertToBlob({ type: 'image/jpeg', quality: 1 });
      };
      const upright = await tuner.embed(await stored(placements[0] as [boolean, boolean, boolean]));
      const rows = [];
      for (const [index, placement] of placements.entries()) {
        const jpeg = await stored(placement);
        const followed = cosine(upright, await tuner.embed(await oriented(jpeg, index + 1)));
        const ignored = cosine(upright, await tuner.embed(jpeg));
        rows.push({ orientation: index + 1, followed, ignored });
      }
      return rows;
    });
    assert.equal(similarities.length, 8);
    for (const { orientation, followed, ignored } of similarities) {
      t.diagnostic(`orientation ${orientation}: cosine ${followed.toFixed(5)} followed, ${ignored.toFixed(5)} ignored`);
      // Turning and coding again changes the JPEG's rounding a little; not turning changes the picture.
      assert.ok(followed > 0.995, `orientation ${orientation}: ${followed}`);
      if (orientation > 1) assert.ok(ignored < followed - 0.005, `orientation ${orientation} makes no difference`);
    }
  });

  test('transparent pixels are laid on white', async () => {
    const { clear, white, black, half, mixed } = await page.evaluate(async () => {
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const { png } = await import('page/files.js');
      const embed = async (rgba: number[]) => [...(await tuner.embed(await png(96, 96, rgba)))];
      return {
        clear: await embed([0, 0, 0, 0]),
        white: await embed([255, 255, 255, 255]),
        black: await embed([0, 0, 0, 255]),
        half: await embed([255, 0, 0, 51]),
        // A fifth of red on white.
        mixed: await embed([255, 204, 204, 255]),
      };
    });
    const distance = (a: number[], b: number[]) => Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? NaN))));
    assert.equal(distance(clear, white), 0);
    assert.ok(distance(white, black) > 0.1, 'white and black look the same');
    assert.ok(distance(white, mixed) > 0.01, 'white and pink look the same');
    // A premultiplied browser surface may lose half of 1/255 on the way.
    assert.ok(distance(half, mixed) <= distance(white, mixed) / 5, 'half transparent red is not pink');
  });

  test('a photo of 12 megapixels is predicted and learnt as its small version', async (t) => {
    const { megabytes, small, large, added, rejected } = await page.evaluate(async () => {
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const { photos } = await import('page/photos.js');
      const photo = (await photos('test', 1))[0]?.file as File;
      const source = await createImageBitmap(photo);
      const canvas = new OffscreenCanvas(4000, 3000);
      const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
      drawing.fillStyle = 'white';
      drawing.fillRect(0, 0, 4000, 3000);
      drawing.imageSmoothingQuality = 'high';
      drawing.drawImage(source, 500, 0, 3000, 3000);
      const file = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
      const large = await tuner.predict(file);
      const small = await tuner.predict(photo);
      const { added, rejected } = await tuner.addExamples(small.label, [file]);
      await tuner.train({ epochs: 2, views: 2 }).report;
      return { megabytes: file.size / 1e6, small, large, added: added.length, rejected };
    });
    t.diagnostic(`${megabytes.toFixed(1)} MB; ${large.label} ${large.probability.toFixed(3)}, small ${small.probability.toFixed(3)}`);
    assert.equal(large.label, small.label);
    assert.equal(added, 1);
    assert.deepEqual(rejected, []);
  });
});
