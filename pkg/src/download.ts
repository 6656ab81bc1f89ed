/** Asks for files, and counts their bytes as they arrive. */
import { joined } from './bytes.js';

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
 * An answer that is the file, or the rest of it.
 *
 * @throws {Unreachable} when there is no answer, or another one.
 */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
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

/**
 * Lets the browser itself use an answer, and counts a copy: what a script has passed on is compiled later, and is not kept
 * compiled for the next visit.
 *
 * @throws {Unreachable} as {@link ask}; what `use` throws; an error where the file is cut off.
 */
export async function download<T>(url: string, onBytes: OnBytes, use: (response: Response) => Promise<T>): Promise<T> {
  const response = await ask(url);
  const copy = chunksOf(response.clone(), onBytes);
  const count = async () => {
    while (!(await copy.next()).done);
  };
  const [used] = await Promise.all([use(response), count()]);
  return used;
}

/**
 * A whole file.
 *
 * @throws {Unreachable} as {@link ask}; an error where the file is cut off.
 */
export async function downloadBytes(url: string, onBytes: OnBytes, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = [];
  for await (const chunk of chunksOf(await ask(url, signal ? { signal } : {}), onBytes)) chunks.push(chunk);
  return joined(chunks);
}

/** The pieces of an answer as they arrive, counted once they were taken; `before` are the bytes of the file that are not in it. */
export async function* chunksOf(response: Response, onBytes: OnBytes, before = 0): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // With a content encoding the length is that of the compressed bytes, while the stream gives the others.
  const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  const total = length === null ? null : before + Number(length);
  const reader = response.body?.getReader();
  let loaded = before;
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    loaded += next.value.byteLength;
    yield next.value;
    onBytes(loaded, total);
  }
  // Some browsers end a body that was cut off as if it were whole.
  if (total !== null && loaded < total) throw new Error(`${response.url} was cut off`);
}
