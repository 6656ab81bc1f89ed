/** What an image becomes before it is posted to the worker. */
import { RekindleError } from './errors.js';
import type { ImageSource } from './protocol.js';
import type { ImageInput } from './types.js';

/** Sorts by name and not with `instanceof`, so that the elements of other frames are known too. */
function kindOf(image: unknown): string {
  return Object.prototype.toString.call(image).slice(8, -1);
}

/** Takes live pictures at once, as they may be others a moment later, and the rest when their turn comes. */
export function capture(images: ImageInput[]): (() => Promise<ImageSource>)[] {
  return images.map((image) => {
    if (!isLive(image)) return () => readImage(image);
    const taken = readImage(image);
    taken.catch(() => {}); // A failure is told when its turn comes.
    return () => taken;
  });
}

function isLive(image: ImageInput): boolean {
  return ['HTMLVideoElement', 'HTMLCanvasElement', 'OffscreenCanvas'].includes(kindOf(image));
}

/** One image or many, as a list. */
export function listOf(images: ImageInput | Iterable<ImageInput>): ImageInput[] {
  return isMany(images) ? Array.from(images) : [images];
}

/** Whether many images were given rather than one. */
export function isMany(images: ImageInput | Iterable<ImageInput>): images is Iterable<ImageInput> {
  return Symbol.iterator in Object(images);
}

/**
 * Takes what is in an image now: files stay files and pixels stay pixels; everything else becomes a bitmap of our own,
 * so that the caller's stays usable.
 *
 * @throws {RekindleError} IMAGE_DECODE when it is no image, broken, or from another origin without permission.
 * @throws {RekindleError} IMAGE_SHAPE when a side is zero, as that of a video before its first frame.
 */
export async function readImage(image: ImageInput): Promise<ImageSource> {
  switch (kindOf(image)) {
    case 'Blob':
    case 'File':
    case 'ImageData':
      return image as Blob | ImageData;
    case 'HTMLImageElement':
      return toBitmap(await loaded(image as HTMLImageElement));
    case 'HTMLVideoElement': {
      const video = image as HTMLVideoElement;
      return toBitmap(video, video.videoWidth, video.videoHeight);
    }
    case 'ImageBitmap':
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
      return toBitmap(image as ImageBitmap | HTMLCanvasElement | OffscreenCanvas);
    default:
      throw undecodable(`a value of type ${kindOf(image)} is not an image`);
  }
}

/** What can be handed over to the worker instead of being copied: the bitmaps that {@link readImage} made. */
export function transferOf(source: ImageSource): Transferable[] {
  return kindOf(source) === 'ImageBitmap' ? [source as ImageBitmap] : [];
}

async function loaded(image: HTMLImageElement): Promise<HTMLImageElement> {
  await image.decode().catch((error: unknown) => {
    throw undecodable(reasonOf(error));
  });
  return image;
}

async function toBitmap(
  image: Exclude<ImageInput, Blob | ImageData>,
  width = image.width as number,
  height = image.height as number,
): Promise<ImageBitmap> {
  if (width === 0 || height === 0) throw empty(width, height);
  const bitmap = await createImageBitmap(image).catch((error: unknown) => {
    throw undecodable(reasonOf(error));
  });
  try {
    // The browser refuses to hand over what its origin does not share; trying it here tells it of this image.
    return structuredClone(bitmap, { transfer: [bitmap] });
  } catch {
    throw undecodable('it comes from another origin that does not share it (CORS)');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function undecodable(reason: string): RekindleError {
  return new RekindleError('IMAGE_DECODE', `the image cannot be decoded: ${reason}`, { reason });
}

function empty(width: number, height: number): RekindleError {
  const reason = 'a side is zero; a video has no size before its `loadeddata` event, a closed bitmap has none any more';
  return new RekindleError('IMAGE_SHAPE', `an image of ${width}x${height} pixels cannot be used: ${reason}`, {
    width,
    height,
    reason,
  });
}
