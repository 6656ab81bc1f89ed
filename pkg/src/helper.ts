/** A helper: a worker that only embeds, so that a session can use more than one core. It has an instance of its own. */
import { decode } from './decode.js';
import type { Args } from './protocol.js';
import type { Build } from './session.js';
import type { WasmEmbedder, WasmModule } from './wasm.js';

export class Helper {
  readonly #wasm: WasmModule;
  readonly #embedder: WasmEmbedder;

  private constructor(wasm: WasmModule, embedder: WasmEmbedder) {
    this.#wasm = wasm;
    this.#embedder = embedder;
  }

  /** Starts an instance of the session's module on the session's weights: nothing is fetched or compiled again. */
  static async start({ module: wasm }: Build, { compiled, weights, inputSize }: Args<'startHelper'>): Promise<Helper> {
    await wasm.default({ module_or_path: compiled });
    return new Helper(wasm, await wasm.Embedder.create(weights, 'cpu', inputSize));
  }

  async embedViews({ image, views, augment }: Args<'embedViews'>): Promise<Float32Array<ArrayBuffer>> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    return this.#embedder.embed(rgba, width, height, views, augment);
  }
}
