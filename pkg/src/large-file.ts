/** Fetches a large file that may be cut off: what arrived is not fetched again, in this call or a later one. */
import { joined } from './bytes.js';
import type { Kept, Store } from './store.js';

/** How often a file is asked for the rest when it brings nothing more. */
const ATTEMPTS = 3;
/** What is kept at once of a file that is not there yet. */
const PART_BYTES = 4 << 20;

/** Bytes so far and in all, null where the server does not say. */
export type OnBytes = (loadedBytes: number, totalBytes: number | null) => void;

/** Why a file did not arrive. */
export class Unreachable extends Error {
  /** @param status Of HTTP; null where there was no answer, or it was cut off. */
  constructor(
    message: string,
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

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
    const total = totalBytes(response.headers, this.loaded);
    for await (const chunk of chunksOf(response)) {
      this.#chunks.push(chunk);
      this.loaded += chunk.byteLength;
      if (sum(this.#chunks) >= PART_BYTES) await this.#keep(modified);
      onBytes(this.loaded, total);
    }
    // Some browsers end a body that was cut off as if it were whole.
    if (total !== null && this.loaded < total) throw new Error(`${this.#url} was cut off`);
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

/**
 * An answer that is the file, or the rest of it.
 *
 * @throws {Unreachable} when there is no answer, or another one.
 */
export async function ask(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init).catch((error: unknown) => {
    init.signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unreachable(`${url} cannot be reached, or does not allow pages of other sites to read it (${reason})`);
  });
  if (!response.ok && response.status !== 416) {
    throw new Unreachable(`${url} was answered with HTTP status ${response.status}`, response.status);
  }
  // Many servers answer an unknown address with their start page and status 200.
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new Unreachable(`${url} was answered with a web page instead of the file`);
  }
  return response;
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) yield next.value;
}

/** Of the whole file, of which so many bytes are not in this answer. */
function totalBytes(headers: Headers, before: number): number | null {
  // With a content encoding the length is that of the compressed bytes, while the stream gives the others.
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  return length === null ? null : before + Number(length);
}

function sum(chunks: Uint8Array[]): number {
  return chunks.reduce((bytes, chunk) => bytes + chunk.byteLength, 0);
}
