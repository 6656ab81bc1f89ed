/** A project in the worker: the wasm objects, and the files of the examples. Answers the calls of `protocol.ts`. */
import { decode, keep } from './decode.js';
import { optionInvalid, RekindleError } from './errors.js';
import { Gate } from './gate.js';
import { forTraining, forTuning, type Need, type Parts, plainViews, prepare } from './preparation.js';
import type { Args, CallEvent, Created, CreateArgs, Preview, SessionMethod, State, Value } from './protocol.js';
import { backboneOf } from './origin.js';
import { Once } from './once.js';
import { nextTask } from './task.js';
import { Team } from './team.js';
import { Turns } from './turns.js';
import type { BackboneSummary, Example, Explanation, Health, Metrics, NamedClass, Prediction, Report, ResolvedTrainOptions, StoredReport } from './types.js';
import {
  isTrap,
  startWasm,
  type TuningModule,
  type View,
  type WasmBuild,
  type WasmClassifier,
  type WasmEmbedder,
  type WasmFineTuner,
  type WasmModule,
  type WasmRun,
  type WasmTuner,
  type WasmTuningRun,
} from './wasm.js';
import { loadWeights, readClassifier, type Weights, type WeightsManifest } from './weights.js';

/** What a worker is built of: the wasm module, what the weights must be, and the module that trains stages. */
export interface Build extends WasmBuild {
  weights: WeightsManifest;
  tuning: WasmBuild<TuningModule>;
}

/** What a call may do while it is under way. */
export interface CallContext {
  /** Aborted when the caller has given up. */
  signal: AbortSignal;
  /** Shut while the caller wants the call to wait. */
  gate: Gate;
  emit: (event: CallEvent) => void;
}

/** This long after the start, what is not needed for long is set aside. */
const SET_ASIDE_MS = 1000;
/** Other calls wait for at most about this long while steps are taken. */
const STEPS_MS = 20;
/** What goes on with the examples is not cancelled by a call. */
const NEVER = new AbortController().signal;
const OPEN = new Gate();
/** The evaluation crop, which has nothing random. */
const PLAIN: View = { index: 0, seed: 0 };

/** An answer to every call but `create`, which makes the session. */
export type Answers = {
  [M in Exclude<SessionMethod, 'create'>]: (args: Args<M>, context: CallContext) => Value<M> | Promise<Value<M>>;
};

export class Session implements Answers {
  /** What it says of itself once it is there. */
  readonly created: Created;
  readonly #wasm: WasmModule;
  /** With the pretrained backbone, which is what is trained from. */
  readonly #embedder: WasmEmbedder;
  /** With the stages of the trained model, which is what predicts. */
  #predictor: Promise<WasmEmbedder>;
  readonly #tuner: WasmTuner;
  /** Of the pretrained weights, fetched when it is asked for. */
  readonly #classifier: Once<WasmClassifier>;
  /** What trains stages: a module of its own. */
  readonly #fineTuner: Once<WasmFineTuner>;
  readonly #publish: (change: Partial<State>) => void;
  /** Files only: decoded pixels would fill the memory. */
  readonly #files = new Map<number, Blob>();
  readonly #parts: Parts;
  #live = false;
  /** Of the last training; what is wrong with the examples is asked for it. */
  #options: ResolvedTrainOptions;

  private constructor(
    parts: {
      wasm: WasmModule;
      embedder: WasmEmbedder;
      tuner: WasmTuner;
      team: Team;
      created: Created;
      classifier: () => Promise<WasmClassifier>;
      fineTuner: () => Promise<WasmFineTuner>;
    },
    publish: (change: Partial<State>) => void,
  ) {
    this.created = parts.created;
    this.#wasm = parts.wasm;
    this.#embedder = parts.embedder;
    this.#tuner = parts.tuner;
    this.#classifier = new Once(parts.classifier);
    this.#fineTuner = new Once(parts.fineTuner);
    const turns = new Turns(parts.embedder, parts.wasm);
    this.#parts = { tuner: parts.tuner, files: this.#files, turns, team: parts.team };
    this.#predictor = this.#followModel();
    this.#publish = publish;
    this.#options = parts.tuner.report()?.options ?? parts.wasm.defaultTrainOptions();
    this.#examplesChanged();
    this.#headChanged();
  }

  /** Fetches wasm and weights side by side and starts a new project, or the one of a project file. */
  static async load(
    build: Build,
    { device, seed, inputSize, helpers, backbone, early, classifier, project }: CreateArgs,
    { emit, signal }: CallContext,
    publish: (change: Partial<State>) => void,
  ): Promise<Session> {
    const began = performance.now();
    const timed = async <T>(work: Promise<T>) => ({ value: await work, ms: performance.now() - began });
    const wasm = build.module;
    const starting = timed(startWasm(build, emit));
    const file = project && new Uint8Array(await project.arrayBuffer());
    // Nobody else knows which backbone a project needs.
    const made = async () => starting.then(() => wasm.projectMadeWith(file ?? new Uint8Array()));
    const request = backbone.kind === 'project' ? backboneOf((await made()).spec, backbone.base, backbone.cache) : backbone;
    const [{ value: code, ms: wasmMs }, { value: loaded, ms: weightsMs }] = await Promise.all([
      starting,
      timed(loadWeights(request, build.weights, signal, emit, early)),
    ]);
    const { weights } = loaded;
    const size = inputSize ?? (file ? (await made()).inputSize : undefined);
    const { value: embedder, ms: readyMs } = await timed(
      wasm.Embedder.create(weights.bytes, device, size, weights.description, weights.config, weights.known),
    );
    await loaded.keep();
    const tuner = file ? wasm.Tuner.open(file, embedder) : new wasm.Tuner(embedder, seed);
    const team = new Team(helpers, { code, weights, inputSize: embedder.inputSize() });
    const created: Created = {
      spec: embedder.spec(),
      stages: embedder.stages(),
      simd: code.kernels?.simd ?? 'plain',
      startup: { wasmMs, weightsMs, prefixMs: readyMs - Math.max(wasmMs, weightsMs) },
      elapsedMs: performance.now() - began,
    };
    const parts = { wasm, embedder, tuner, team, created };
    const session = new Session(
      { ...parts, classifier: () => openClassifier(embedder, classifier), fineTuner: fineTunerOf(build, weights, size) },
      publish,
    );
    await session.#predictor;
    return session;
  }

  keep({ image }: Args<'keep'>): Promise<Blob> {
    // They get ready while others decode.
    this.#parts.team.prepare();
    return keep(image, this.#wasm.probe);
  }

  async addExample({ label, image, group }: Args<'addExample'>): Promise<Example> {
    const id = this.#tuner.addExample(label);
    if (group !== null) this.#tuner.setGroup(id, group);
    this.#files.set(id, image);
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

  summary(): BackboneSummary {
    const { stages, ...whole } = this.#embedder.summary();
    const tuning = this.#tuner.report()?.tuning;
    const frozen = tuning?.kept ? tuning.cut : stages.length;
    return { ...whole, stages: stages.map((stage, index) => ({ ...stage, frozen: index < frozen })) };
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

  async explain({ image, label }: Args<'explain'>): Promise<Explanation> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    const embedder = await this.#predictor;
    const map = embedder.map(rgba, width, height);
    return { width, height, heat: this.#tuner.explain(embedder, map, width, height, label ?? undefined) };
  }

  async classifyPretrained({ image, top }: Args<'classifyPretrained'>): Promise<NamedClass[]> {
    const { rgba, width, height } = await decode(image, this.#wasm.probe);
    const classifier = await this.#classifier.get();
    return classifier.classify(this.#embedder.map(rgba, width, height), top);
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

  export({ format }: Args<'export'>): Uint8Array<ArrayBuffer> {
    return this.#tuner.export(format);
  }

  /** Looks for what is wrong with the examples; embeds the plain views that are not cached yet. */
  async health(_: Args<'health'>, { signal, gate }: CallContext): Promise<Health> {
    await prepare(this.#parts, plainViews(this.#tuner), { signal, gate, emit: () => {} });
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

  /** Embeds what is not cached yet, trains, and takes over the result at the very end. */
  async train({ options: given }: Args<'train'>, context: CallContext): Promise<Report> {
    const options = this.#wasm.checkTrainOptions(given);
    this.#options = options;
    const started = performance.now();
    const timings = { embedMs: 0, trainMs: 0, embeddedViews: 0 };
    const timed = async (need: Need) => {
      const began = performance.now();
      timings.embeddedViews += await prepare(this.#parts, need, context);
      timings.embedMs += performance.now() - began;
    };
    // Whether it can be had at all is known before hours are spent.
    if (options.strategy !== 'head') await this.#fineTuner.get();
    await timed(forTraining(this.#tuner, options));
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

  /** Turns live mode on or off. */
  async setLive({ on }: Args<'setLive'>): Promise<void> {
    this.#live = on;
    await this.#follow();
  }

  /** In live mode, takes the head on to the examples as they are. */
  async #follow(): Promise<void> {
    if (!this.#live) return;
    await prepare(this.#parts, plainViews(this.#tuner), { signal: NEVER, gate: OPEN, emit: () => {} });
    if (!this.#tuner.follow(this.#options)) return;
    this.#predictor = this.#followModel();
    this.#headChanged();
  }

  /** Goes on with the backbone's stages, whose features at the cut are cached as far as they fit. */
  async #tune(
    head: WasmRun,
    options: ResolvedTrainOptions,
    started: number,
    timed: (need: Need) => Promise<void>,
    context: CallContext,
  ): Promise<StoredReport> {
    const { project, samples } = this.#tuner.prepareTuning(head);
    const fineTuner = await this.#fineTuner.get();
    const run = fineTuner.start(project, samples);
    // Examples may be removed meanwhile; the training is of those that it began with.
    const [need, wanted] = forTuning(run, options, new Map(this.#files));
    try {
      await timed(need);
    } catch (error) {
      if (!isTrap(error)) run.free();
      throw error;
    }
    await this.#steps(run, options.tune.epochs, started, context, async () => {
      if (run.wants().length > 0) await timed(wanted);
    });
    return this.#tuner.finishTuning(run.finish());
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

async function openClassifier(embedder: WasmEmbedder, source: string | Blob | null): Promise<WasmClassifier> {
  return embedder.classifier(source === null ? undefined : await readClassifier(source));
}

/**
 * Starts what trains stages, on the session's weights. A blob holds them until then, which the browser may keep on the disk; it
 * is not made while somebody waits for the first prediction.
 */
function fineTunerOf({ tuning }: Build, { bytes, description, config, known }: Weights, inputSize: number | undefined) {
  let file: BlobPart = bytes;
  setTimeout(() => {
    file = new Blob([file]);
  }, SET_ASIDE_MS);
  return async (): Promise<WasmFineTuner> => {
    await startWasm(tuning, () => {});
    const weights = new Uint8Array(await new Blob([file]).arrayBuffer());
    return tuning.module.FineTuner.create(weights, inputSize, description, config, known);
  };
}

function unknownExample(id: number): RekindleError {
  return optionInvalid('id', id, 'the id of an example that was added and not removed');
}
