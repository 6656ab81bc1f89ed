/** Fetches a large file that may be cut off: what arrived is not fetched again, in this call or a later one. */
import { joined } from './bytes.js';
import { ask, chunksOf, type OnBytes, Unreachable } from './download.js';
import type { Kept, Store } from './store.js';

/** How often a file is asked for the rest when it brings nothing more. */
const ATTEMPTS = 3;
/** What is kept at once of a file that is not there yet. */
const PART_BYTES = 4 << 20;

/**
 * Fetches a file, going on where an earlier call was cut off.
 *
 * @throws {Unreachable} when there is no answer, the answer is not the file, or it is cut off again and again.
 */
export async function fetchLarge(url: string, store: Store, signal: AbortSignal, onBytes: OnBytes): Promise<Kept> {
  const file = new Arriving(url, store, await store.parts(url));
  for (let failures = 0; ; ) {
    const before = file.loaded;
    try {
      const whole = await file.rest(signal, onBytes);
      await store.dropParts(url);
      return whole;
    } catch (error) {
      signal.throwIfAborted();
      failures = file.loaded > before ? 0 : failures + 1;
      if (error instanceof Unreachable || failures >= ATTEMPTS) throw error;
    }
  }
}

/** A file of which a part is there. */
class Arriving {
  readonly #url: string;
  readonly #store: Store;
  /** As they are kept. */
  #parts: Kept[];
  /** What arrived after the last part. */
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  loaded: number;

  constructor(url: string, store: Store, parts: Kept[]) {
    this.#url = url;
    this.#store = store;
    this.#parts = parts;
    this.loaded = sum(parts.map(({ bytes }) => bytes));
  }

  /** Asks for what is not there yet. */
  async rest(signal: AbortSignal, onBytes: OnBytes): Promise<Kept> {
    const asked = this.loaded;
    const response = await ask(this.#url, { signal, headers: asked > 0 ? { range: `bytes=${asked}-` } : {} });
    const modified = response.headers.get('last-modified');
    const continued = response.status === 206 && (this.#parts[0]?.modified ?? modified) === modified;
    if (!continued) await this.#restart();
    if (response.status === 416 || (response.status === 206 && !continued)) return this.rest(signal, onBytes);
    for await (const chunk of chunksOf(response, onBytes, this.loaded)) {
      this.#chunks.push(chunk);
      this.loaded += chunk.byteLength;
      if (sum(this.#chunks) >= PART_BYTES) await this.#keep(modified);
    }
    return { bytes: joined([...this.#parts.map(({ bytes }) => bytes), ...this.#chunks]), modified };
  }

  async #keep(modified: string | null): Promise<void> {
    const part = { bytes: joined(this.#chunks), modified };
    this.#chunks = [];
    this.#parts.push(part);
    await this.#store.putPart(this.#url, this.#parts.length - 1, part);
  }

  async #restart(): Promise<void> {
    [this.#parts, this.#chunks, this.loaded] = [[], [], 0];
    await this.#store.dropParts(this.#url);
  }
}

function sum(chunks: Uint8Array[]): number {
  return chunks.reduce((bytes, chunk) => bytes + chunk.byteLength, 0);
}
