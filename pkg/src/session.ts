/** A project in the worker: the wasm objects, and the files of the examples. Answers the calls of `protocol.ts`. */
import { decode, keep, type Pixels } from './decode.js';
import { optionInvalid, RekindleError } from './errors.js';
import type { Args, CallEvent, Created, CreateArgs, Method, Preview, State, Value } from './protocol.js';
import { nextTask } from './task.js';
import type { Example, Explanation, Health, Metrics, Prediction, Report, ResolvedTrainOptions, StoredReport } from './types.js';
import { isTrap, startWasm, type View, type WasmBuild, type WasmEmbedder, type WasmModule, type WasmTuner } from './wasm.js';
import { loadWeights, type WeightsManifest } from './weights.js';

/** What a worker is built of: the wasm module, and what the weights must be. */
export interface Build extends WasmBuild {
  weights: WeightsManifest;
}

/** What a call may do while it is under way. */
export interface CallContext {
  /** Aborted when the caller has given up. */
  signal: AbortSignal;
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

/** An answer to every call but `create`, which makes the session. */
export type Answers = {
  [M in Exclude<Method, 'create'>]: (args: Args<M>, context: CallContext) => Value<M> | Promise<Value<M>>;
};

export class Session implements Answers {
  readonly #wasm: WasmModule;
  readonly #embedder: WasmEmbedder;
  readonly #tuner: WasmTuner;
  readonly #publish: (change: Partial<State>) => void;
  /** Files only: decoded pixels would fill the memory. */
  readonly #files = new Map<number, Blob>();
  #viewsAtOnce = 1;
  #live = false;
  /** Of the last training; what is wrong with the examples is asked for it. */
  #options: ResolvedTrainOptions;

  private constructor(wasm: WasmModule, embedder: WasmEmbedder, tuner: WasmTuner, publish: (change: Partial<State>) => void) {
    this.#wasm = wasm;
    this.#embedder = embedder;
    this.#tuner = tuner;
    this.#publish = publish;
    this.#options = tuner.report()?.options ?? wasm.defaultTrainOptions();
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
    return new Session(wasm, embedder, tuner, publish);
  }

  created(): Created {
    return { spec: this.#embedder.spec() };
  }

  async addExample({ label, image, group }: Args<'addExample'>): Promise<Example> {
    const file = await keep(image, this.#wasm.probe);
    const id = this.#tuner.addExample(label);
    if (group !== null) this.#tuner.setGroup(id, group);
    this.#files.set(id, file);
    this.#examplesChanged();
    await this.#follow();
    return { id, label, group };
  }

  groupExamples({ ids, group }: Args<'groupExamples'>): void {
    this.#known(ids);
    for (const id of ids) this.#tuner.setGroup(id, group ?? undefined);
  }

  async removeExamples({ ids }: Args<'removeExamples'>): Promise<void> {
    this.#known(ids);
    for (const id of new Set(ids)) {
      this.#tuner.removeExample(id);
      this.#files.delete(id);
    }
    this.#examplesChanged();
    await this.#follow();
  }

  async relabelExamples({ ids, label }: Args<'relabelExamples'>): Promise<void> {
    this.#known(ids);
    for (const id of ids) this.#tuner.relabelExample(id, label);
    this.#examplesChanged();
    await this.#follow();
  }

  renameClass({ label, to }: Args<'renameClass'>): void {
    this.#tuner.renameClass(label, to);
    this.#examplesChanged();
    this.#headChanged();
  }

  async removeClass({ label }: Args<'removeClass'>): Promise<void> {
    this.#tuner.removeClass(label);
    const left = new Set(this.#tuner.examples().map(({ id }) => id));
    for (const id of this.#files.keys()) if (!left.has(id)) this.#files.delete(id);
    this.#examplesChanged();
    await this.#follow();
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
    const [prediction] = this.#tuner.predict(await this.embed({ image }));
    if (!prediction) throw new RekindleError('INTERNAL', 'internal error: no prediction was made. Please report it.');
    return prediction;
  }

  async explain({ image, label }: Args<'explain'>): Promise<Explanation> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    const map = await this.#embedder.map(rgba, width, height);
    return { width, height, heat: this.#tuner.explain(this.#embedder, map, width, height, label ?? undefined) };
  }

  async embed({ image }: Args<'embed'>): Promise<Float32Array<ArrayBuffer>> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    return this.#embedder.embed(rgba, width, height, [PLAIN], undefined);
  }

  evaluate({ features, labels }: Args<'evaluate'>): Metrics {
    return this.#tuner.evaluate(features, labels);
  }

  save(): Uint8Array<ArrayBuffer> {
    return this.#tuner.save();
  }

  /** Looks for what is wrong with the examples; embeds the plain views that are not cached yet. */
  async health(_: Args<'health'>, { signal }: CallContext): Promise<Health> {
    await this.#preparePlain(signal);
    const checkup = this.#tuner.startCheckup(this.#options);
    try {
      for (let turn = performance.now(); checkup.step(); ) {
        if (performance.now() - turn < STEPS_MS) continue;
        await nextTask();
        signal.throwIfAborted();
        turn = performance.now();
      }
    } catch (error) {
      if (!isTrap(error)) checkup.free();
      throw error;
    }
    return checkup.finish();
  }

  /** Embeds what is not cached yet, trains, and takes over the head at the very end. */
  async train({ options: given }: Args<'train'>, context: CallContext): Promise<Report> {
    const options = this.#wasm.checkTrainOptions(given);
    this.#options = options;
    const started = performance.now();
    const embeddedViews = await this.#prepare(options, context);
    const prepared = performance.now();
    const report = await this.#fit(options, context, started);
    this.#headChanged();
    return {
      ...report,
      timings: { embedMs: prepared - started, trainMs: performance.now() - prepared, embeddedViews },
    };
  }

  /** Turns live mode on or off. */
  async setLive({ on }: Args<'setLive'>): Promise<void> {
    this.#live = on;
    await this.#follow();
  }

  /** In live mode, takes the head on to the examples as they are. */
  async #follow(): Promise<void> {
    if (!this.#live) return;
    await this.#preparePlain();
    if (this.#tuner.follow(this.#options)) this.#headChanged();
  }

  /** Caches the features and traits of every plain view. */
  async #preparePlain(signal?: AbortSignal): Promise<void> {
    for (let pending = this.#tuner.pendingPlain(); pending.length > 0; pending = this.#tuner.pendingPlain()) {
      for (const { example } of pending) {
        const pixels = await this.#decodeExample(example);
        if (!pixels) continue;
        const features = await this.#embedder.embed(pixels.rgba, pixels.width, pixels.height, [PLAIN], undefined);
        this.#tuner.putTraits(example, pixels.rgba, pixels.width, pixels.height);
        this.#tuner.putPlain(example, features);
        await nextTask();
        signal?.throwIfAborted();
      }
    }
  }

  /** Caches the features of every view that the training needs; gives the number of views. */
  async #prepare(options: ResolvedTrainOptions, { signal, emit }: CallContext): Promise<number> {
    const started = performance.now();
    let doneViews = 0;
    let told = -Infinity;
    // Examples may be added and removed meanwhile, so it is asked again until nothing is left.
    for (let pending = this.#tuner.pending(options); pending.length > 0; pending = this.#tuner.pending(options)) {
      const totalViews = doneViews + pending.reduce((sum, { views }) => sum + views.length, 0);
      const tell = () => {
        const now = performance.now();
        if (now - told < PROGRESS_MS && doneViews < totalViews) return;
        told = now;
        emit({ type: 'prepare', doneViews, totalViews, elapsedMs: now - started });
      };
      tell();
      for (const { example, views } of pending) {
        for await (const embedded of this.#cacheViews(example, views, options, signal)) {
          doneViews += embedded;
          tell();
          await nextTask();
          signal.throwIfAborted();
        }
      }
    }
    return doneViews;
  }

  /** Decodes an example once and embeds its views a few at a time; gives how many after each time. */
  async *#cacheViews(
    example: number,
    views: View[],
    options: ResolvedTrainOptions,
    signal: AbortSignal,
  ): AsyncGenerator<number> {
    const pixels = await this.#decodeExample(example);
    if (!pixels) return;
    const { rgba, width, height } = pixels;
    if (views[0]?.index === PLAIN.index) this.#tuner.putTraits(example, rgba, width, height);
    for (let next = 0; next < views.length; ) {
      const some = views.slice(next, next + this.#viewsAtOnce);
      const started = performance.now();
      const features = await this.#embedder.embed(rgba, width, height, some, options.augment);
      this.#viewsAtOnce = viewsWithin(TURN_MS, (performance.now() - started) / some.length);
      // Meanwhile the training may have been cancelled, and one with other options begun.
      signal.throwIfAborted();
      this.#tuner.putFeatures(example, some, options, features);
      next += some.length;
      yield some.length;
    }
  }

  /** The pixels of an example; nothing where it was removed meanwhile. */
  async #decodeExample(example: number): Promise<Pixels | null> {
    const file = this.#files.get(example);
    if (!file) return null;
    return decode(file, this.#wasm.probe).catch((error: unknown) => {
      throw withDetails(RekindleError.from(error), { example });
    });
  }

  async #fit(
    options: ResolvedTrainOptions,
    { signal, emit }: CallContext,
    started: number,
  ): Promise<StoredReport> {
    const run = this.#tuner.startRun(options);
    try {
      let turn = performance.now();
      for (let row = run.step(); row !== undefined; row = run.step()) {
        if (row) emit({ type: 'epoch', epochs: options.epochs, elapsedMs: performance.now() - started, ...row });
        if (!row && performance.now() - turn < STEPS_MS) continue;
        await nextTask();
        signal.throwIfAborted();
        turn = performance.now();
      }
    } catch (error) {
      if (!isTrap(error)) run.free();
      throw error;
    }
    return this.#tuner.finishRun(run);
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
