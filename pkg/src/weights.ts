/** Gets the pretrained weights and makes sure that they are the ones this build was made for. */
import { download } from './download.js';
import { RekindleError } from './errors.js';
import type { LoadProgress } from './types.js';

/** What the weights file of a build must be. */
export interface WeightsManifest {
  bytes: number;
  sha256: string;
}

/** The bytes of the weights, and whether they are known to be the right ones; else the reader in the module hashes them. */
export interface Weights {
  bytes: Uint8Array<ArrayBuffer>;
  known: boolean;
}

/**
 * Reads the weights from an address or a file and checks them.
 *
 * @throws {RekindleError} WEIGHTS_FETCH when they cannot be fetched or arrive cut off.
 * @throws {RekindleError} WEIGHTS_FORMAT when the file is another one than this build needs.
 */
export async function loadWeights(
  source: string | Blob,
  manifest: WeightsManifest,
  onProgress: (progress: LoadProgress) => void,
): Promise<Weights> {
  const bytes = await read(source, onProgress);
  return { bytes, known: await check(bytes, manifest) };
}

async function read(source: string | Blob, onProgress: (progress: LoadProgress) => void) {
  const report = (loadedBytes: number, totalBytes: number | null) => {
    onProgress({ file: 'weights', loadedBytes, totalBytes });
  };
  try {
    const body = typeof source === 'string' ? await download(source, report) : source;
    const bytes = new Uint8Array(await body.arrayBuffer());
    if (body === source) report(bytes.length, bytes.length);
    return bytes;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RekindleError(
      'WEIGHTS_FETCH',
      `the weights could not be fetched: ${reason}. Check the connection and that the file is served, then try again.`,
      { url: typeof source === 'string' ? source : null, reason },
    );
  }
}

/** Whether the bytes were seen to be the right ones; throws where they were seen not to be. */
async function check(bytes: Uint8Array<ArrayBuffer>, manifest: WeightsManifest): Promise<boolean> {
  const found = { bytes: bytes.length, sha256: await sha256(bytes) };
  if (found.bytes === manifest.bytes && (found.sha256 ?? manifest.sha256) === manifest.sha256) return found.sha256 !== null;
  const reason =
    found.bytes === manifest.bytes
      ? 'its bytes were altered (the sha256 differs)'
      : `it has ${found.bytes} bytes where ${manifest.bytes} are expected`;
  throw new RekindleError(
    'WEIGHTS_FORMAT',
    `the weights are not the file that this version of rekindle needs: ${reason}. Take the file from the package again.`,
    { found, expected: { ...manifest } },
  );
}

/** Null on pages without https, where browsers offer no hashing; the size and the reader still catch a cut-off file. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
