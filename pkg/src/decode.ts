/** From an image as it was posted to pixels, in the worker. */
import { RekindleError } from './errors.js';
import type { ImageSource } from './protocol.js';
import { type ImageHeader, isTrap } from './wasm.js';

/** Straight RGBA, rows from the top. */
export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray;
}

/** Reads an image file's header; throws IMAGE_DECODE or IMAGE_SHAPE. */
export type Probe = (bytes: Uint8Array) => ImageHeader;

/**
 * Files are decoded as the pretrained weights saw theirs: turned upright, colour profiles not applied (as in Pillow and
 * torchvision), so that every browser and screen gives the same numbers.
 */
const AS_PILLOW: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
  colorSpaceConversion: 'none',
};

/** Rows that are drawn at once: some browsers end a canvas at 16.7 megapixels, and a small one saves memory. */
const STRIP = 512;

/**
 * Decodes an image. Bitmaps that were posted are closed.
 *
 * @throws {RekindleError} IMAGE_DECODE when it is no image, broken, animated, or its file can no longer be read.
 * @throws {RekindleError} IMAGE_SHAPE when a side is zero or it is over 100 megapixels.
 */
export async function decode(image: ImageSource, probe: Probe): Promise<Pixels> {
  if (image instanceof ImageData) return { width: image.width, height: image.height, rgba: image.data };
  const bitmap = image instanceof Blob ? await openFile(image, probe) : image;
  try {
    return { width: bitmap.width, height: bitmap.height, rgba: readPixels(bitmap) };
  } finally {
    bitmap.close();
  }
}

/**
 * The file to keep of an example: files as they are once they have been seen to decode, everything else as PNG.
 *
 * @throws {RekindleError} As {@link decode}.
 */
export async function keep(image: ImageSource, probe: Probe): Promise<Blob> {
  const file = image instanceof Blob ? image : await toPng(image);
  (await openFile(file, probe)).close();
  return file;
}

async function openFile(file: Blob, probe: Probe): Promise<ImageBitmap> {
  try {
    probe(new Uint8Array(await file.arrayBuffer()));
    return await createImageBitmap(file, AS_PILLOW);
  } catch (thrown) {
    const error = RekindleError.from(thrown);
    if (error.code !== 'INTERNAL' || isTrap(thrown)) throw thrown;
    // What remains is the browser's: the file is gone or locked, or its decoder refuses the data.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RekindleError('IMAGE_DECODE', `the image cannot be decoded: ${reason}`, { reason });
  }
}

function readPixels(bitmap: ImageBitmap): Uint8ClampedArray {
  const { width, height } = bitmap;
  const rgba = new Uint8ClampedArray(width * height * 4);
  const context = canvas(width, Math.min(STRIP, height));
  context.globalCompositeOperation = 'copy';
  for (let top = 0; top < height; top += STRIP) {
    const rows = Math.min(STRIP, height - top);
    context.drawImage(bitmap, 0, -top);
    rgba.set(context.getImageData(0, 0, width, rows).data, top * width * 4);
  }
  return rgba;
}

async function toPng(image: ImageBitmap | ImageData): Promise<Blob> {
  const context = canvas(image.width, image.height);
  if (image instanceof ImageData) {
    context.putImageData(image, 0, 0);
  } else {
    context.drawImage(image, 0, 0);
    image.close();
  }
  return context.canvas.convertToBlob({ type: 'image/png' });
}

function canvas(width: number, height: number): OffscreenCanvasRenderingContext2D {
  // Its pixels are read back at once, so they must not go to the GPU.
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new RekindleError('OUT_OF_MEMORY', 'the browser gives no further canvas: close other pages');
  return context;
}
