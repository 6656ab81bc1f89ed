/** What goes before a training or a checkup: every view that it needs is embedded, by the session and its helpers, and cached. */
import { RekindleError } from './errors.js';
import type { Gate } from './gate.js';
import type { CallContext } from './session.js';
import type { Embedded } from './protocol.js';
import type { Team } from './team.js';
import type { Turn, Turns } from './turns.js';
import type { AugmentOptions, ResolvedTrainOptions } from './types.js';
import { isTrap, type View, type WasmTuner, type WasmTuningRun } from './wasm.js';
import { type Piece, Work } from './work.js';

/** Progress is told at most this often. */
const PROGRESS_MS = 50;
/** Views in a piece where helpers take part: few enough for all workers to end at about the same time. */
const SHARED_VIEWS = 8;

/** What of a session takes part. */
export interface Parts {
  tuner: WasmTuner;
  /** The image of each example. */
  files: ReadonlyMap<number, Blob>;
  turns: Turns;
  team: Team;
}

/** The views that are needed, and where their features go. */
export interface Need {
  /** What is missing; asked again until nothing is. */
  pending(): Piece[];
  put(example: number, views: View[], features: Float32Array): void;
  augment: AugmentOptions | undefined;
  /** The stage whose features are wanted; the embedding where it is left out. */
  cut?: number;
  /** The image of each example; the session's where it is left out. */
  files?: ReadonlyMap<number, Blob>;
}

/** What a training with these options needs. */
export function forTraining(tuner: WasmTuner, options: ResolvedTrainOptions): Need {
  return {
    pending: () => tuner.pending(options),
    put: (example, views, features) => tuner.putFeatures(example, views, options, features),
    augment: options.augment,
  };
}

/** The plain view of every example. */
export function plainViews(tuner: WasmTuner): Need {
  return {
    pending: () => tuner.pendingPlain(),
    put: (example, _, features) => tuner.putPlain(example, features),
    augment: undefined,
  };
}

/** What a fine-tuning needs: first all that fits its memory, then whatever the next step reads and is not there. */
export function forTuning(run: WasmTuningRun, { augment }: ResolvedTrainOptions, files: ReadonlyMap<number, Blob>): [Need, Need] {
  const first: Need = {
    pending: () => run.pending(),
    put: (example, views, features) => run.putFeatures(example, views, features),
    augment,
    cut: run.cut(),
    files,
  };
  return [first, { ...first, pending: () => run.wants() }];
}

/** Caches the features of every view that is needed; gives the number of views. */
export async function prepare(parts: Parts, need: Need, { signal, gate, emit }: CallContext): Promise<number> {
  const started = performance.now();
  let before = 0;
  let told = -Infinity;
  const tell = ({ done, total }: Work) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS && done < total) return;
    told = now;
    emit({ type: 'prepare', doneViews: before + done, totalViews: before + total, elapsedMs: now - started });
  };
  // Examples may be added and removed meanwhile, so it is asked again until nothing is left.
  for (let pending = need.pending(); pending.length > 0; pending = need.pending()) {
    const shared = parts.team.helpsWith(pending.reduce((sum, { views }) => sum + views.length, 0));
    const work = new Work(pending, shared ? SHARED_VIEWS : Infinity);
    tell(work);
    await new Preparation(parts, need, work, gate, tell).run(shared, signal);
    before += work.done;
  }
  return before;
}

/** The embedding of one list of views, shared with the helpers. */
class Preparation {
  readonly #parts: Parts;
  readonly #need: Need;
  readonly #work: Work;
  readonly #gate: Gate;
  readonly #tell: (work: Work) => void;

  constructor(parts: Parts, need: Need, work: Work, gate: Gate, tell: (work: Work) => void) {
    this.#parts = parts;
    this.#need = need;
    this.#work = work;
    this.#gate = gate;
    this.#tell = tell;
  }

  /** Ends when every view is embedded; helpers that have not answered by then are not waited for. */
  async run(shared: boolean, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const abort = () => over.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (shared) this.#parts.team.help(this.#work, this, over);
      for (let piece = this.#work.take(); piece; piece = this.#work.take()) await this.#embed(piece, over.signal);
    } finally {
      signal.removeEventListener('abort', abort);
      over.abort();
    }
  }

  /** What a helper is asked about a piece; undefined when the example was removed. */
  ask({ example, views }: Piece) {
    const { augment, cut } = this.#need;
    const image = this.#image(example);
    return image && { image, views, augment, cut };
  }

  /** Takes what a helper gives. */
  put(piece: Piece, embedded: Embedded): void {
    this.#keep(piece.example, { views: piece.views, ...embedded });
    this.#work.advance(piece, piece.views.length);
    this.#tell(this.#work);
  }

  /** Waits while the training is paused. */
  pass(signal: AbortSignal): Promise<void> {
    return this.#gate.pass(signal);
  }

  #image(example: number): Blob | undefined {
    return (this.#need.files ?? this.#parts.files).get(example);
  }

  #keep(example: number, { views, features, traits }: Turn): void {
    if (traits) this.#parts.tuner.putTraits(example, traits);
    this.#need.put(example, views, features);
  }

  /** Embeds a piece here, unless a helper that has it too is faster. */
  async #embed(piece: Piece, signal: AbortSignal): Promise<void> {
    const { example, views } = piece;
    const { turns } = this.#parts;
    const image = this.#image(example);
    if (!image) return this.#work.drop(piece);
    let embedded = 0;
    try {
      for await (const turn of turns.embed({ image, views, augment: this.#need.augment, cut: this.#need.cut }, signal)) {
        if (this.#work.isDone(piece)) return;
        this.#keep(example, turn);
        embedded += turn.views.length;
        this.#work.advance(piece, embedded);
        this.#tell(this.#work);
        await this.#gate.pass(signal);
      }
    } catch (thrown) {
      if (signal.aborted || isTrap(thrown)) throw thrown;
      const { code, message, details } = RekindleError.from(thrown);
      throw new RekindleError(code, message, { ...details, example });
    }
  }
}
