/** A helper: a worker that only embeds, so that a session can use more than one core. It has an instance of its own. */
import type { Args, Embedded } from './protocol.js';
import type { Build } from './session.js';
import { type Turn, Turns } from './turns.js';

export class Helper {
  readonly #turns: Turns;

  private constructor(turns: Turns) {
    this.#turns = turns;
  }

  /**
   * Starts an instance of the session's module on the session's weights: nothing is fetched or compiled again. It computes
   * with the session's kernels or not at all: others would give other bits.
   */
  static async start({ module: wasm }: Build, { code, weights, inputSize }: Args<'startHelper'>): Promise<Helper> {
    await wasm.default({ module_or_path: code.compiled });
    if (code.kernels) await wasm.useKernels(code.kernels.module);
    const { bytes, description, config, known } = weights;
    const embedder = await wasm.Embedder.create(bytes, 'cpu', inputSize, description, config, known);
    return new Helper(new Turns(embedder, wasm));
  }

  /** The features of the views, a row each, and the image's traits with its plain view. */
  async embedViews(args: Args<'embedViews'>, { signal }: { signal: AbortSignal }): Promise<Embedded> {
    const turns: Turn[] = [];
    for await (const turn of this.#turns.embed(args, signal)) turns.push(turn);
    const features = new Float32Array(turns.reduce((sum, turn) => sum + turn.features.length, 0));
    let at = 0;
    for (const turn of turns) {
      features.set(turn.features, at);
      at += turn.features.length;
    }
    return { features, traits: turns[0]?.traits ?? null };
  }
}
