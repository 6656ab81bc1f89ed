/** Weights that were fetched before, in the browser's Cache Storage: whole files, and the parts of those that were cut off. */

/** Its name, for who wants to delete it: `caches.delete('rekindle')`. */
const NAME = 'rekindle';
const PART = 'rekindle-part';

/** What is kept of an answer beside its bytes: when the file was last changed, to notice that it is another one now. */
export interface Kept {
  bytes: Uint8Array<ArrayBuffer>;
  modified: string | null;
}

/** Everything that fails here only costs another download: no space left, storage forbidden. */
export class Store {
  readonly #cache: Cache | null;

  private constructor(cache: Cache | null) {
    this.#cache = cache;
  }

  /** A store that keeps nothing where it is not wanted, or where the page may not keep anything. */
  static async open(wanted: boolean): Promise<Store> {
    if (!wanted || !globalThis.caches) return new Store(null);
    return new Store(await caches.open(NAME).catch(() => null));
  }

  async get(url: string): Promise<Kept | null> {
    const answer = await this.#cache?.match(url).catch(() => undefined);
    if (!answer) return null;
    return { bytes: new Uint8Array(await answer.arrayBuffer()), modified: answer.headers.get('last-modified') };
  }

  async put(url: string, { bytes, modified }: Kept): Promise<void> {
    const headers = modified === null ? {} : { 'last-modified': modified };
    await this.#cache?.put(url, new Response(bytes, { headers })).catch(() => {});
  }

  /** The parts of a file that were kept, in order. */
  async parts(url: string): Promise<Kept[]> {
    const parts: Kept[] = [];
    for (let part = await this.get(partOf(url, 0)); part; part = await this.get(partOf(url, parts.length))) parts.push(part);
    return parts;
  }

  putPart(url: string, index: number, part: Kept): Promise<void> {
    return this.put(partOf(url, index), part);
  }

  async dropParts(url: string): Promise<void> {
    for (let index = 0; await this.#cache?.delete(partOf(url, index)).catch(() => false); index++);
  }
}

function partOf(url: string, index: number): string {
  const part = new URL(url);
  part.searchParams.set(PART, String(index));
  return part.href;
}
