/** A project in the worker: the wasm objects, and the files of the examples. Answers the calls of `protocol.ts`. */
import { decode, keep } from './decode.js';
import { optionInvalid, RekindleError } from './errors.js';
import type { Args, CallEvent, Created, CreateArgs, Method, Preview, State, Value } from './protocol.js';
import type { Gate } from './gate.js';
import { nextTask } from './task.js';
import type { Example, Metrics, Prediction, Report, ResolvedTrainOptions, StoredReport } from './types.js';
import {
  isTrap,
  type Pending,
  startWasm,
  type View,
  type WasmBuild,
  type WasmEmbedder,
  type WasmModule,
  type WasmRun,
  type WasmTuner,
  type WasmTuningRun,
} from './wasm.js';
import { loadWeights, type WeightsManifest } from './weights.js';

/** What a worker is built of: the wasm module, and what the weights must be. */
export interface Build extends WasmBuild {
  weights: WeightsManifest;
}

/** What a call may do while it is under way. */
export interface CallContext {
  /** Aborted when the caller has given up. */
  signal: AbortSignal;
  /** Shut while the caller wants the call to wait. */
  gate: Gate;
  emit: (event: CallEvent) => void;
}

/** Other calls wait for at most about this long while views are embedded. */
const TURN_MS = 80;
/** Other calls wait for at most about this long while steps are taken. */
const STEPS_MS = 20;
/** Progress is told at most this often. */
const PROGRESS_MS = 50;
/** The evaluation crop, which has nothing random. */
const PLAIN: View = { index: 0, seed: 0 };

/** Which features are wanted, and who takes them. */
interface Embedding {
  pending: () => Pending[];
  put: (example: number, views: View[], features: Float32Array) => void;
  /** The embedding where it is left out. */
  cut?: number;
  options: ResolvedTrainOptions;
  files: ReadonlyMap<number, Blob>;
}

/** An answer to every call but `create`, which makes the session. */
export type Answers = {
  [M in Exclude<Method, 'create'>]: (args: Args<M>, context: CallContext) => Value<M> | Promise<Value<M>>;
};

export class Session implements Answers {
  readonly #wasm: WasmModule;
  /** With the pretrained backbone, which is what is trained from. */
  readonly #embedder: WasmEmbedder;
  /** With the stages of the trained model, which is what predicts. */
  #predictor: Promise<WasmEmbedder>;
  readonly #tuner: WasmTuner;
  readonly #publish: (change: Partial<State>) => void;
  /** Files only: decoded pixels would fill the memory. */
  readonly #files = new Map<number, Blob>();
  #viewsAtOnce = 1;

  private constructor(wasm: WasmModule, embedder: WasmEmbedder, tuner: WasmTuner, publish: (change: Partial<State>) => void) {
    this.#wasm = wasm;
    this.#tuner = tuner;
    this.#embedder = embedder;
    this.#predictor = this.#followModel();
    this.#publish = publish;
    this.#examplesChanged();
    this.#headChanged();
  }

  /** Fetches wasm and weights side by side and starts a new project, or the one of a project file. */
  static async load(
    build: Build,
    { device, seed, inputSize, weights, project }: CreateArgs,
    { emit }: CallContext,
    publish: (change: Partial<State>) => void,
  ): Promise<Session> {
    const [wasm, bytes] = await Promise.all([startWasm(build, emit), loadWeights(weights, build.weights, emit)]);
    const file = project && new Uint8Array(await project.arrayBuffer());
    const size = inputSize ?? (file ? wasm.projectInputSize(file) : undefined);
    const embedder = await wasm.Embedder.create(bytes, device, size);
    const tuner = file ? wasm.Tuner.open(file, embedder) : new wasm.Tuner(embedder, seed);
    const session = new Session(wasm, embedder, tuner, publish);
    await session.#predictor;
    return session;
  }

  created(): Created {
    return { spec: this.#embedder.spec(), stages: this.#embedder.stages() };
  }

  async addExample({ label, image }: Args<'addExample'>): Promise<Example> {
    const file = await keep(image, this.#wasm.probe);
    const id = this.#tuner.addExample(label);
    this.#files.set(id, file);
    this.#examplesChanged();
    return { id, label };
  }

  removeExamples({ ids }: Args<'removeExamples'>): void {
    this.#known(ids);
    for (const id of new Set(ids)) {
      this.#tuner.removeExample(id);
      this.#files.delete(id);
    }
    this.#examplesChanged();
  }

  relabelExamples({ ids, label }: Args<'relabelExamples'>): void {
    this.#known(ids);
    for (const id of ids) this.#tuner.relabelExample(id, label);
    this.#examplesChanged();
  }

  renameClass({ label, to }: Args<'renameClass'>): void {
    this.#tuner.renameClass(label, to);
    this.#examplesChanged();
    this.#headChanged();
  }

  removeClass({ label }: Args<'removeClass'>): void {
    this.#tuner.removeClass(label);
    const left = new Set(this.#tuner.examples().map(({ id }) => id));
    for (const id of this.#files.keys()) if (!left.has(id)) this.#files.delete(id);
    this.#examplesChanged();
  }

  examples(): Example[] {
    return this.#tuner.examples();
  }

  image({ id }: Args<'image'>): Blob {
    const file = this.#files.get(id);
    if (!file) throw unknownExample(id);
    return file;
  }

  async preview({ image, augment, views, seed }: Args<'preview'>): Promise<Preview> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    const drawn = Array.from({ length: views }, (_, index) => ({ index, seed }));
    return {
      rgba: this.#embedder.preview(rgba, width, height, drawn, augment),
      side: this.#embedder.inputSize(),
    };
  }

  async predict({ image }: Args<'predict'>): Promise<Prediction> {
    let predictor: Promise<WasmEmbedder>;
    let embedding: Float32Array;
    do {
      // A training that ends meanwhile changes both stages and head, which belong together.
      predictor = this.#predictor;
      embedding = await this.embed({ image });
    } while (predictor !== this.#predictor);
    const [prediction] = this.#tuner.predict(embedding);
    if (!prediction) throw new RekindleError('INTERNAL', 'internal error: no prediction was made. Please report it.');
    return prediction;
  }

  async embed({ image }: Args<'embed'>): Promise<Float32Array<ArrayBuffer>> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    const embedder = await this.#predictor;
    return embedder.embed(rgba, width, height, [PLAIN], undefined);
  }

  evaluate({ features, labels }: Args<'evaluate'>): Metrics {
    return this.#tuner.evaluate(features, labels);
  }

  save(): Uint8Array<ArrayBuffer> {
    return this.#tuner.save();
  }

  /** Embeds what is not cached yet, trains, and takes over the result at the very end. */
  async train({ options: given }: Args<'train'>, context: CallContext): Promise<Report> {
    const options = this.#wasm.checkTrainOptions(given);
    const started = performance.now();
    const timings = { embedMs: 0, trainMs: 0, embeddedViews: 0 };
    const timed = async (embedding: Embedding) => {
      const began = performance.now();
      timings.embeddedViews += await this.#prepare(embedding, context);
      timings.embedMs += performance.now() - began;
    };
    await timed({
      pending: () => this.#tuner.pending(options),
      put: (example, views, features) => this.#tuner.putFeatures(example, views, options, features),
      options,
      files: this.#files,
    });
    const run = this.#tuner.startRun(options);
    await this.#steps(run, options.epochs, started, context);
    const report =
      options.strategy === 'head'
        ? this.#tuner.finishRun(run)
        : await this.#tune(run, options, started, timed, context);
    this.#predictor = this.#followModel();
    this.#headChanged();
    await this.#predictor;
    timings.trainMs = performance.now() - started - timings.embedMs;
    return { ...report, timings };
  }

  /** Goes on with the backbone's stages, whose features at the cut are cached as far as they fit. */
  async #tune(
    head: WasmRun,
    options: ResolvedTrainOptions,
    started: number,
    timed: (embedding: Embedding) => Promise<void>,
    context: CallContext,
  ): Promise<StoredReport> {
    const run = this.#tuner.startTuning(head);
    const embedding: Embedding = {
      pending: () => run.pending(),
      put: (example, views, features) => run.putFeatures(example, views, features),
      cut: run.cut(),
      options,
      // Examples may be removed meanwhile; the training is of those that it began with.
      files: new Map(this.#files),
    };
    const wanted = { ...embedding, pending: () => run.wants() };
    try {
      await timed(embedding);
    } catch (error) {
      if (!isTrap(error)) run.free();
      throw error;
    }
    await this.#steps(run, options.tune.epochs, started, context, async () => {
      if (run.wants().length > 0) await timed(wanted);
    });
    return this.#tuner.finishTuning(run);
  }

  /** Takes all steps of a run, and lets other calls in between. */
  async #steps(
    run: WasmRun | WasmTuningRun,
    epochs: number,
    started: number,
    { signal, gate, emit }: CallContext,
    before: () => Promise<void> = async () => {},
  ): Promise<void> {
    try {
      let turn = performance.now();
      for (;;) {
        await before();
        const row = run.step();
        if (row === undefined) return;
        if (row) emit({ type: 'epoch', epochs, elapsedMs: performance.now() - started, ...row });
        if (!row && performance.now() - turn < STEPS_MS) continue;
        await nextTask();
        await gate.pass(signal);
        turn = performance.now();
      }
    } catch (error) {
      if (!isTrap(error)) run.free();
      throw error;
    }
  }

  /** Computes the features that are wanted until none are; gives the number of views. */
  async #prepare(embedding: Embedding, { signal, gate, emit }: CallContext): Promise<number> {
    const started = performance.now();
    let doneViews = 0;
    let told = -Infinity;
    // Examples may be added and removed meanwhile, so it is asked again until nothing is left.
    for (let pending = embedding.pending(); pending.length > 0; pending = embedding.pending()) {
      const totalViews = doneViews + pending.reduce((sum, { views }) => sum + views.length, 0);
      const tell = () => {
        const now = performance.now();
        if (now - told < PROGRESS_MS && doneViews < totalViews) return;
        told = now;
        emit({ type: 'prepare', doneViews, totalViews, elapsedMs: now - started });
      };
      tell();
      for (const { example, views } of pending) {
        for await (const embedded of this.#embedViews(example, views, embedding, signal)) {
          doneViews += embedded;
          tell();
          await nextTask();
          await gate.pass(signal);
        }
      }
    }
    return doneViews;
  }

  /** Decodes an example once and embeds its views a few at a time; gives how many after each time. */
  async *#embedViews(
    example: number,
    views: View[],
    { options, cut, put, files }: Embedding,
    signal: AbortSignal,
  ): AsyncGenerator<number> {
    const file = files.get(example);
    if (!file) return;
    const { rgba, width, height } = await decode(file, this.#wasm.probe).catch((error: unknown) => {
      throw withDetails(RekindleError.from(error), { example });
    });
    for (let next = 0; next < views.length; ) {
      const some = views.slice(next, next + this.#viewsAtOnce);
      const started = performance.now();
      const features = await this.#embedder.embed(rgba, width, height, some, options.augment, cut);
      this.#viewsAtOnce = viewsWithin(TURN_MS, (performance.now() - started) / some.length);
      // Meanwhile the training may have been cancelled, and one with other options begun.
      signal.throwIfAborted();
      put(example, some, features);
      next += some.length;
      yield some.length;
    }
  }

  /** The embedder of the trained model's stages. */
  async #followModel(): Promise<WasmEmbedder> {
    return (await this.#embedder.tuned(this.#tuner)) ?? this.#embedder;
  }

  #known(ids: number[]): void {
    for (const id of ids) if (!this.#files.has(id)) throw unknownExample(id);
  }

  #examplesChanged(): void {
    this.#publish({ classes: this.#tuner.classes() });
  }

  #headChanged(): void {
    this.#publish({ report: this.#tuner.report() ?? null });
  }
}

/** How many views take about this long; at least one, at most as many as a large GPU likes at once. */
function viewsWithin(budgetMs: number, viewMs: number): number {
  return Math.max(1, Math.min(32, Math.floor(budgetMs / viewMs)));
}

function unknownExample(id: number): RekindleError {
  return optionInvalid('id', id, 'the id of an example that was added and not removed');
}

function withDetails(error: RekindleError, more: Record<string, unknown>): RekindleError {
  return new RekindleError(error.code, error.message, { ...error.details, ...more });
}
