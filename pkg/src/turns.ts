/** Embedding in turns: a few views at a time, so that a worker hears of other calls, and of cancelling, in between. */
import { decode, type Probe } from './decode.js';
import { nextTask } from './task.js';
import type { AugmentOptions } from './types.js';
import type { View, WasmEmbedder } from './wasm.js';

/** Other calls wait for at most about this long while views are embedded. */
const TURN_MS = 80;
/** As many views as a large GPU likes at once. */
const MOST_VIEWS = 32;

/** What one turn gives: `views.length` rows of features. */
export interface Turn {
  views: View[];
  features: Float32Array<ArrayBuffer>;
}

export class Turns {
  readonly #embedder: WasmEmbedder;
  readonly #probe: Probe;
  #viewsAtOnce = 1;

  constructor(embedder: WasmEmbedder, probe: Probe) {
    this.#embedder = embedder;
    this.#probe = probe;
  }

  /**
   * Decodes an image once and embeds its views.
   *
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE as `decode`.
   * @throws The signal's reason, when it aborts.
   */
  async *embed(image: Blob, views: View[], augment: AugmentOptions, signal: AbortSignal): AsyncGenerator<Turn, void, undefined> {
    const { rgba, width, height } = await decode(image, this.#probe);
    for (let next = 0; next < views.length; ) {
      signal.throwIfAborted();
      const some = views.slice(next, next + this.#viewsAtOnce);
      const started = performance.now();
      const features = await this.#embedder.embed(rgba, width, height, some, augment);
      const viewMs = (performance.now() - started) / some.length;
      this.#viewsAtOnce = Math.max(1, Math.min(MOST_VIEWS, Math.floor(TURN_MS / viewMs)));
      // Meanwhile a training may have been cancelled, and one with other options begun.
      signal.throwIfAborted();
      yield { views: some, features };
      next += some.length;
      await nextTask();
    }
  }
}
