/** A helper: a worker that only embeds, so that a session can use more than one core. It has an instance of its own. */
import type { Args, Embedded } from './protocol.js';
import type { Build } from './session.js';
import { Turns } from './turns.js';
import type { WasmEmbedder } from './wasm.js';

export class Helper {
  readonly #turns: Turns;
  readonly #length: number;

  private constructor(turns: Turns, embedder: WasmEmbedder) {
    this.#turns = turns;
    this.#length = embedder.featureLength();
  }

  /**
   * Starts an instance of the session's module on the session's weights: nothing is fetched or compiled again. It computes
   * with the session's kernels or not at all: others would give other bits.
   */
  static async start({ module: wasm }: Build, { code, weights, inputSize }: Args<'startHelper'>): Promise<Helper> {
    await wasm.default({ module_or_path: code.compiled });
    if (code.kernels) await wasm.useKernels(code.kernels.module);
    const embedder = await wasm.Embedder.create(weights, 'cpu', inputSize);
    return new Helper(new Turns(embedder, wasm), embedder);
  }

  /** The features of the views, a row each, and the image's traits with its plain view. */
  async embedViews(
    { image, views, augment }: Args<'embedViews'>,
    { signal }: { signal: AbortSignal },
  ): Promise<Embedded> {
    const all: Embedded = { features: new Float32Array(views.length * this.#length), traits: null };
    let at = 0;
    for await (const { features, traits } of this.#turns.embed(image, views, augment, signal)) {
      all.features.set(features, at);
      all.traits ??= traits;
      at += features.length;
    }
    return all;
  }
}
