/**
 * Finds the weights of a repository at the Hugging Face hub, or at a mirror of it.
 *
 * The hub's listing names one commit, so that weights and `config.json` belong together, and the sha256 of the file
 * (https://huggingface.co/docs/hub/api). A mirror need not have it: then the names are tried.
 */
import { ask, Unreachable } from './download.js';
import type { Store } from './store.js';

/** The files that timm writes, the safer one first. */
const FILES = ['model.safetensors', 'pytorch_model.bin'];
const CONFIG = 'config.json';

/** A file of weights and what describes it. */
export interface Found {
  url: string;
  /** Null where it is not known. */
  sha256: string | null;
  /** timm's `config.json`. */
  config: string;
}

interface Listing {
  sha: string;
  siblings: { rfilename: string; lfs?: { sha256: string } }[];
}

/**
 * Where the weights of a repository are, and how they were trained.
 *
 * @throws {Unreachable} when the repository, its weights or its `config.json` cannot be fetched.
 */
export async function findAtHub(
  { base, repository, revision }: { base: string; repository: string; revision: string },
  store: Store,
  signal: AbortSignal,
): Promise<Found> {
  const listing = await list(`${base}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`, store, signal);
  const at = (file: string) => `${base}/${repository}/resolve/${encodeURIComponent(listing?.sha ?? revision)}/${file}`;
  const config = await small(at(CONFIG), store, signal, listing !== null);
  const files = listing?.siblings.map(({ rfilename, lfs }) => ({ name: rfilename, sha256: lfs?.sha256 ?? null }));
  for (const wanted of FILES) {
    const listed = files?.find(({ name }) => name === wanted);
    if (listed || (!files && (await exists(at(wanted), signal)))) return { url: at(wanted), sha256: listed?.sha256 ?? null, config };
  }
  throw new Unreachable(`the repository ${repository} has neither ${FILES.join(' nor ')}`);
}

/** The repository's files; null where the server keeps no list. */
async function list(url: string, store: Store, signal: AbortSignal): Promise<Listing | null> {
  try {
    const text = await small(url, store, signal, false);
    const listing: unknown = JSON.parse(text);
    return isListing(listing) ? listing : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    // The hub says 401 for what does not exist; a mirror without lists says 404. Either way the file itself is asked for.
    if (error instanceof Unreachable && error.status !== null) return null;
    throw error;
  }
}

function isListing(listing: unknown): listing is Listing {
  const { sha, siblings } = Object(listing) as Partial<Listing>;
  return typeof sha === 'string' && Array.isArray(siblings) && siblings.every((file) => typeof file?.rfilename === 'string');
}

/** A small text. One that never changes is taken from the store; any other is, where the server cannot be reached. */
async function small(url: string, store: Store, signal: AbortSignal, forever: boolean): Promise<string> {
  const kept = await store.get(url);
  if (kept && forever) return new TextDecoder().decode(kept.bytes);
  try {
    const response = await ask(url, { signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    await store.put(url, { bytes, modified: null });
    return new TextDecoder().decode(bytes);
  } catch (error) {
    signal.throwIfAborted();
    if (kept && !(error instanceof Unreachable && error.status !== null)) return new TextDecoder().decode(kept.bytes);
    throw error;
  }
}

async function exists(url: string, signal: AbortSignal): Promise<boolean> {
  return fetch(url, { method: 'HEAD', signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}
