/** Files of the package that hold weights. */
import { downloadBytes } from './download.js';
import { RekindleError } from './errors.js';
import type { LoadProgress } from './types.js';

export type OnProgress = (progress: LoadProgress) => void;

/**
 * Reads a file of the package, or what stands for it.
 *
 * @throws {RekindleError} WEIGHTS_FETCH when it cannot be read or arrives cut off.
 */
export async function readShipped(source: string | Blob, onProgress: OnProgress, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const report = reporter(onProgress);
  return fetched(source, async () => {
    if (typeof source === 'string') return downloadBytes(source, report, signal);
    const bytes = new Uint8Array(await source.arrayBuffer());
    report(bytes.length, bytes.length);
    return bytes;
  });
}

/** Tells of the bytes of a weights file. */
export function reporter(onProgress: OnProgress) {
  return (loadedBytes: number, totalBytes: number | null) => onProgress({ file: 'weights', loadedBytes, totalBytes });
}

/**
 * What `work` gives.
 *
 * @throws {RekindleError} WEIGHTS_FETCH when it fails.
 */
export async function fetched<T>(source: string | Blob, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RekindleError(
      'WEIGHTS_FETCH',
      `the weights could not be fetched: ${reason}. Check the connection and that the file is served, then try again.`,
      { url: typeof source === 'string' ? source : null, reason },
    );
  }
}
