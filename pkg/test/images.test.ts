import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { RekindleError } from '../src/errors.js';
import { capture, isMany, listOf, readImage, transferOf } from '../src/images.js';
import type { ImageInput } from '../src/types.js';

/** Stands for an object of the browser: it has the browser's name for its kind. */
function fake(kind: string, members: object): ImageInput {
  return { [Symbol.toStringTag]: kind, ...members } as unknown as ImageInput;
}

/** Stands for the browser's decoder; what it gives cannot be cloned by Node, so cloning is left out as well. */
function installBitmaps(make: (image: { frame?: string }) => unknown): void {
  Object.assign(globalThis, { createImageBitmap: async (image: object) => make(image), structuredClone: (x: unknown) => x });
}

const { structuredClone } = globalThis;
afterEach(() => {
  Object.assign(globalThis, { structuredClone });
  Reflect.deleteProperty(globalThis, 'createImageBitmap');
});

function code(expected: string, text = /./) {
  return (error: unknown) => error instanceof RekindleError && error.code === expected && text.test(error.message);
}

test('files and pixels go as they are', async () => {
  const file = new File(['x'], 'x.jpg');
  assert.equal(await readImage(file), file);
  const pixels = fake('ImageData', { width: 1, height: 1 });
  assert.equal(await readImage(pixels), pixels as unknown);
  assert.deepEqual(transferOf(file), []);
});

test('pictures of the page become bitmaps of our own, which are handed over', async () => {
  const bitmap = fake('ImageBitmap', { width: 2, height: 2 }) as ImageBitmap;
  installBitmaps(() => bitmap);
  for (const kind of ['ImageBitmap', 'HTMLCanvasElement', 'OffscreenCanvas']) {
    assert.equal(await readImage(fake(kind, { width: 2, height: 2 })), bitmap);
  }
  assert.equal(await readImage(fake('HTMLVideoElement', { videoWidth: 2, videoHeight: 2 })), bitmap);
  assert.equal(await readImage(fake('HTMLImageElement', { width: 2, height: 2, decode: async () => {} })), bitmap);
  assert.deepEqual(transferOf(bitmap), [bitmap]);
});

test('a picture without a size is IMAGE_SHAPE', async () => {
  await assert.rejects(readImage(fake('HTMLCanvasElement', { width: 0, height: 5 })), code('IMAGE_SHAPE', /0x5/));
  const video = fake('HTMLVideoElement', { videoWidth: 0, videoHeight: 0, width: 320, height: 240 });
  await assert.rejects(readImage(video), code('IMAGE_SHAPE', /loadeddata/));
});

test('what is no image, broken or not allowed is IMAGE_DECODE', async () => {
  for (const value of ['cat.jpg', 7, null, undefined, {}, fake('HTMLDivElement', {})]) {
    await assert.rejects(readImage(value as ImageInput), code('IMAGE_DECODE', /not an image/));
  }
  const broken = fake('HTMLImageElement', { width: 2, height: 2, decode: () => Promise.reject(new Error('no data')) });
  await assert.rejects(readImage(broken), code('IMAGE_DECODE', /no data/));
  installBitmaps(() => {
    throw new Error('no memory');
  });
  await assert.rejects(readImage(fake('OffscreenCanvas', { width: 1, height: 1 })), code('IMAGE_DECODE', /no memory/));
  installBitmaps(() => fake('ImageBitmap', {}));
  Object.assign(globalThis, {
    structuredClone: () => {
      throw new Error('tainted');
    },
  });
  await assert.rejects(readImage(fake('OffscreenCanvas', { width: 1, height: 1 })), code('IMAGE_DECODE', /CORS/));
});

test('live pictures are taken at the time of the call, files when their turn comes', async () => {
  const video = fake('HTMLVideoElement', { videoWidth: 1, videoHeight: 1, frame: 'first' });
  installBitmaps(({ frame }) => frame);
  const [first] = capture([video]);
  Object.assign(video, { frame: 'second' });
  assert.equal(await first?.(), 'first');
});

test('a live picture that fails is told only when its turn comes', async () => {
  const [taken] = capture([fake('OffscreenCanvas', { width: 0, height: 0 })]);
  await new Promise(setImmediate);
  await assert.rejects(taken?.() ?? Promise.resolve(), code('IMAGE_SHAPE'));
});

test('one image, an array and any iterable are lists', () => {
  const file = new Blob();
  assert.deepEqual(listOf(file), [file]);
  assert.deepEqual(listOf(new Set([file])), [file]);
  assert.equal(isMany(file), false);
  assert.equal(isMany([]), true);
});
