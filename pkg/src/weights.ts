/** Gets the pretrained weights that were asked for, with what is known of them. */
import type { PlacedBackbone } from './backbone.js';
import { receiveEarly } from './early.js';
import { RekindleError } from './errors.js';
import { findAtHub } from './hub.js';
import { fetchLarge } from './large-file.js';
import { fetched, readShipped, reporter, type OnProgress } from './shipped.js';
import { Store } from './store.js';
import type { Precision, WeightsDescription } from './types.js';

/** What a weights file of a build must be. */
export interface FileManifest {
  bytes: number;
  sha256: string;
}

/** The weights files of a build. */
export type WeightsManifest = Readonly<Record<Precision, FileManifest>>;

/** A weights file, and what it does not say itself. */
export interface Weights {
  bytes: Uint8Array<ArrayBuffer>;
  description: WeightsDescription;
  /** timm's `config.json`, heard where the description is silent. */
  config: string | undefined;
  /** Whether the bytes are those of the package's own file; else the reader in the module hashes them. */
  known: boolean;
}

/** Weights, and what is to be done with them once they have proven good: files that are not are not kept. */
export interface Loaded {
  weights: Weights;
  keep: () => Promise<void>;
}

const NOTHING_KEPT = async () => {};

/**
 * Reads weights from wherever they are, and checks what is known of the file. Those of the package come by `early` where the
 * page reads them.
 *
 * @throws {RekindleError} WEIGHTS_FETCH when they cannot be fetched or arrive cut off.
 * @throws {RekindleError} WEIGHTS_FORMAT when the file is another one than it must be.
 */
export async function loadWeights(
  request: PlacedBackbone,
  manifest: WeightsManifest,
  signal: AbortSignal,
  onProgress: OnProgress,
  early: MessagePort | null = null,
): Promise<Loaded> {
  switch (request.kind) {
    case 'shipped': {
      const bytes = await (early ? receiveEarly(early) : readShipped(request.source, onProgress, signal));
      const known = await checkShipped(bytes, manifest[request.precision]);
      return { weights: { bytes, description: {}, config: undefined, known }, keep: NOTHING_KEPT };
    }
    case 'file': {
      const { source, description, sha256, cache } = request;
      const from = typeof source === 'string' ? { source, ...description } : description;
      const file = await readFile(source, sha256, await Store.open(cache), signal, onProgress);
      // A file that says itself where it is from needs no other word.
      return { weights: { bytes: file.bytes, description: from, config: undefined, known: false }, keep: file.keep };
    }
    case 'hub': {
      const { repository, revision, description, cache } = request;
      const store = await Store.open(cache);
      const found = await fetched(request.base, () => findAtHub(request, store, signal));
      const file = await readFile(found.url, found.sha256, store, signal, onProgress);
      const source = `hf:${repository}${revision === 'main' ? '' : `@${revision}`}`;
      const weights = { bytes: file.bytes, description: { source, ...description }, config: found.config, known: false };
      return { weights, keep: file.keep };
    }
  }
}

/** Reads the file of a classifier. */
export async function readClassifier(source: string | Blob): Promise<Uint8Array<ArrayBuffer>> {
  return readShipped(source, () => {});
}

async function readFile(
  source: string | Blob,
  sha256: string | null,
  store: Store,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; keep: () => Promise<void> }> {
  const report = reporter(onProgress);
  if (source instanceof Blob) {
    const bytes = await fetched(source, async () => new Uint8Array(await source.arrayBuffer()));
    report(bytes.length, bytes.length);
    await checkHash(bytes, sha256, source);
    return { bytes, keep: NOTHING_KEPT };
  }
  const kept = await store.get(source);
  if (kept && (await isCurrent(source, kept.modified, kept.bytes, sha256, signal))) {
    report(kept.bytes.length, kept.bytes.length);
    return { bytes: kept.bytes, keep: NOTHING_KEPT };
  }
  const file = await fetched(source, () => fetchLarge(source, store, signal, report));
  await checkHash(file.bytes, sha256, source);
  return { bytes: file.bytes, keep: () => store.put(source, file) };
}

/** Whether a file that was kept is still the one at its address. Where nobody answers, it is all there is. */
async function isCurrent(url: string, modified: string | null, bytes: Uint8Array<ArrayBuffer>, wanted: string | null, signal: AbortSignal) {
  if (wanted !== null) return (await sha256Of(bytes))?.startsWith(wanted.toLowerCase()) ?? true;
  const now = await fetch(url, { method: 'HEAD', signal }).catch(() => null);
  if (!now?.ok) return true;
  const length = now.headers.get('content-encoding') ? null : now.headers.get('content-length');
  return now.headers.get('last-modified') === modified && (length === null || Number(length) === bytes.length);
}

/** Whether the bytes were seen to be the right ones; throws where they were seen not to be. */
async function checkShipped(bytes: Uint8Array<ArrayBuffer>, manifest: FileManifest): Promise<boolean> {
  const found = { bytes: bytes.length, sha256: await sha256Of(bytes) };
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

async function checkHash(bytes: Uint8Array<ArrayBuffer>, wanted: string | null, source: string | Blob): Promise<void> {
  if (wanted === null) return;
  const found = await sha256Of(bytes);
  if (found === null || found.startsWith(wanted.toLowerCase())) return;
  throw new RekindleError(
    'WEIGHTS_FORMAT',
    `the weights are not the file that was meant: its sha256 is ${found} where ${wanted} is expected. Fetch it from where it is genuine.`,
    { url: typeof source === 'string' ? source : null, found, expected: wanted },
  );
}

/** Null on pages without https, where browsers offer no hashing; the size and the reader still catch a cut-off file. */
async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
