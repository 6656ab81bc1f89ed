/** Embedding in turns: a few views at a time, so that a worker hears of other calls, and of cancelling, in between. */
import { decode } from './decode.js';
import { nextTask } from './task.js';
import type { Args } from './protocol.js';
import type { View, WasmEmbedder, WasmModule } from './wasm.js';

/** Other calls wait for at most about this long while views are embedded. */
const TURN_MS = 80;
/** As many views as a large GPU likes at once. */
const MOST_VIEWS = 32;

/** What one turn gives: `views.length` rows of features. */
export interface Turn {
  views: View[];
  features: Float32Array<ArrayBuffer>;
  /** What the image's pixels tell of copies and of what they show; with its plain view, else null. */
  traits: Uint8Array<ArrayBuffer> | null;
}

export class Turns {
  readonly #embedder: WasmEmbedder;
  readonly #wasm: Pick<WasmModule, 'probe' | 'traits'>;
  #viewsAtOnce = 1;

  constructor(embedder: WasmEmbedder, wasm: Pick<WasmModule, 'probe' | 'traits'>) {
    this.#embedder = embedder;
    this.#wasm = wasm;
  }

  /**
   * Decodes an image once and embeds its views.
   *
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE as `decode`.
   * @throws The signal's reason, when it aborts.
   */
  async *embed({ image, views, augment, cut }: Args<'embedViews'>, signal: AbortSignal): AsyncGenerator<Turn, void, undefined> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    for (let next = 0; next < views.length; ) {
      signal.throwIfAborted();
      const some = views.slice(next, next + this.#viewsAtOnce);
      const started = performance.now();
      const features = await this.#embedder.embed(rgba, width, height, some, augment, cut);
      const viewMs = (performance.now() - started) / some.length;
      this.#viewsAtOnce = Math.max(1, Math.min(MOST_VIEWS, Math.floor(TURN_MS / viewMs)));
      // Meanwhile a training may have been cancelled, and one with other options begun.
      signal.throwIfAborted();
      const isPlain = some[0]?.index === 0;
      yield { views: some, features, traits: isPlain ? this.#wasm.traits(rgba, width, height) : null };
      next += some.length;
      await nextTask();
    }
  }
}
