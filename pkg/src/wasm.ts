/**
 * The faces of the WebAssembly modules, and how they are loaded. The builds `cpu` and `gpu` have that of {@link WasmModule};
 * `tune`, which is fetched beside one of them, that of {@link TuningModule}.
 */
import type {
  AugmentOptions,
  BackboneSummary,
  ClassCount,
  EpochRow,
  Example,
  ExportFormat,
  Health,
  LoadProgress,
  Metrics,
  NamedClass,
  Prediction,
  ResolvedTrainOptions,
  Spec,
  StageSummary,
  StoredReport,
  WeightsDescription,
} from './types.js';
import type { ChosenDevice } from './device.js';
import { download, type OnBytes } from './download.js';
import { RekindleError } from './errors.js';
import { fetchKernels, type KernelFiles, type KernelHost, type Kernels, useKernels } from './kernels.js';

/** Which version of an image: 0 is the plain evaluation crop, every other number an augmented one. */
export interface View {
  index: number;
  seed: number;
}

/** What an image file's header says. */
export interface ImageHeader {
  format: string;
  /** In pixels, before any turning; null where an AVIF or HEIC file hides it. */
  width: number | null;
  height: number | null;
  /** Exif's, 1 to 8. */
  orientation: number;
}

/** Weights, preprocessing and frozen prefix: turns pixels into features. Stateless between calls. */
export interface WasmEmbedder {
  device(): ChosenDevice;
  spec(): Spec;
  inputSize(): number;
  featureLength(): number;
  /** Number of stages, which is also the last cut. */
  stages(): number;
  /** The stages and what they cost, without what is frozen. */
  summary(): Omit<BackboneSummary, 'stages'> & { stages: Omit<StageSummary, 'frozen'>[] };
  /** The same with the stages that a project fine-tuned; undefined where it did not. */
  tuned(tuner: WasmTuner): Promise<WasmEmbedder | undefined>;
  /** RGBA with straight alpha in; the features of each view at the cut out, the embedding without one. */
  embed(
    rgba: Uint8ClampedArray,
    width: number,
    height: number,
    views: View[],
    augment: AugmentOptions | undefined,
    cut?: number,
  ): Promise<Float32Array<ArrayBuffer>>;
  /** The last feature map of the plain view: `featureLength()` channels of a square. */
  map(rgba: Uint8ClampedArray, width: number, height: number): Float32Array<ArrayBuffer>;
  /** The classifier that the weights were trained with, from its file; from the weights' own file where none is given. */
  classifier(file: Uint8Array | undefined): WasmClassifier;
  /** The same views as RGBA images of `inputSize()` squared, one after the other. */
  preview(
    rgba: Uint8ClampedArray,
    width: number,
    height: number,
    views: View[],
    augment: AugmentOptions | undefined,
  ): Uint8Array<ArrayBuffer>;
  free(): void;
}

/** The classifier that the weights were trained with. */
export interface WasmClassifier {
  /** The likeliest classes of an image, from what `map` gave. */
  classify(map: Float32Array, most: number): NamedClass[];
}

/** The state of a project: examples by id (their pixels stay outside), cached features, head, report. */
export interface WasmTuner {
  addExample(label: string): number;
  setGroup(id: number, group: string | undefined): void;
  /** Keeps the `traits` of an example's image. */
  putTraits(id: number, traits: Uint8Array): void;
  removeExample(id: number): void;
  relabelExample(id: number, label: string): void;
  renameClass(label: string, to: string): void;
  removeClass(label: string): void;
  examples(): Example[];
  classes(): ClassCount[];
  /** The views that a training with these options needs and whose features are not cached yet. */
  pending(options: ResolvedTrainOptions): Pending[];
  putFeatures(example: number, views: View[], options: ResolvedTrainOptions, features: Float32Array): void;
  /** The plain views whose features or traits are not there yet, whatever the options. */
  pendingPlain(): Pending[];
  putPlain(example: number, features: Float32Array): void;
  /** Needs the plain views; takes a snapshot as `startRun`. */
  startCheckup(options: ResolvedTrainOptions): WasmCheckup;
  /** Takes a snapshot of the data; what is added or removed later does not touch the run. */
  startRun(options: ResolvedTrainOptions): WasmRun;
  /** Takes over the run's best head and consumes the run. */
  finishRun(run: WasmRun): StoredReport;
  /** Solves for the plain views that are there, from the head that is there; false where there are not two classes. */
  follow(options: ResolvedTrainOptions): boolean;
  /** What a fine-tuning goes on from after a finished run of the head, which it consumes. */
  prepareTuning(run: WasmRun): TuningStart;
  /** Takes over the model of the project that a fine-tuning gave. */
  finishTuning(project: Uint8Array): StoredReport;
  report(): StoredReport | undefined;
  predict(features: Float32Array): Prediction[];
  /** How much each pixel of an image speaks for a class, the likeliest one where none is named. */
  explain(
    embedder: WasmEmbedder,
    map: Float32Array,
    width: number,
    height: number,
    label: string | undefined,
  ): Float32Array<ArrayBuffer>;
  evaluate(features: Float32Array, labels: string[]): Metrics;
  save(): Uint8Array<ArrayBuffer>;
  /** The trained model with its backbone. */
  export(format: ExportFormat): Uint8Array<ArrayBuffer>;
  free(): void;
}

/** One training, pulled step by step. Freeing it leaves the tuner as it was. */
export interface WasmRun {
  /** Takes one step: an epoch's row after its last one, null after any other, undefined when none is left. */
  step(): EpochRow | null | undefined;
  free(): void;
}

/** A search for what is wrong with the examples, pulled step by step. */
export interface WasmCheckup {
  /** Takes one step; false where there is none left. */
  step(): boolean;
  /** What was found; consumes the checkup. */
  finish(): Health;
  free(): void;
}

/** Views of an example that have no features yet. */
export interface Pending {
  example: number;
  views: View[];
}

/** What a tuner gives to a fine-tuning: a project whose head was trained alone, and the views that are to be read. */
export interface TuningStart {
  project: Uint8Array<ArrayBuffer>;
  samples: unknown;
}

/** The pretrained stages, and the features at a cut that are kept from one fine-tuning to the next. */
export interface WasmFineTuner {
  /** Throws OPTION_INVALID for a cut that the backbone does not have. */
  start(project: Uint8Array, samples: unknown): WasmTuningRun;
}

/** One fine-tuning, pulled step by step, on features at its cut. */
export interface WasmTuningRun {
  cut(): number;
  /** The views that are to be cached before the first step, as far as they fit. */
  pending(): Pending[];
  /** The views that the next step reads and that are not there. */
  wants(): Pending[];
  putFeatures(example: number, views: View[], features: Float32Array): void;
  /** As {@link WasmRun.step}. */
  step(): EpochRow | null | undefined;
  /** The project with what was found best; consumes the run. */
  finish(): Uint8Array<ArrayBuffer>;
  free(): void;
}

/** What wasm-bindgen's glue of every build exports. */
interface Startable extends KernelHost {
  default(input: { module_or_path: WebAssembly.Module }): Promise<unknown>;
}

/** What the glue of the build for fine-tuning exports. */
export interface TuningModule extends Startable {
  FineTuner: {
    /** As `Embedder.create`, on the processor. Throws DEVICE_WRONG where that does not derive known answers. */
    create(
      weights: Uint8Array,
      inputSize: number | undefined,
      description: WeightsDescription | undefined,
      config: string | undefined,
      known: boolean,
    ): Promise<WasmFineTuner>;
  };
}

/** What the glue of the other builds exports. */
export interface WasmModule extends Startable {
  probe(bytes: Uint8Array): ImageHeader;
  /** What pixels (RGBA with straight alpha) tell of copies and of what they show; read by the tuner alone. */
  traits(rgba: Uint8ClampedArray, width: number, height: number): Uint8Array<ArrayBuffer>;
  defaultTrainOptions(): ResolvedTrainOptions;
  /** Reads what a project file was made with. Throws PROJECT_FORMAT. */
  projectMadeWith(project: Uint8Array): { spec: Spec; inputSize: number };
  checkTrainOptions(options: unknown): ResolvedTrainOptions;
  Embedder: {
    /**
     * The description says of a file of another tool how it was trained, and so does timm's `config` where it is silent. With
     * `known`, the bytes are those of the right file and need not be hashed again.
     */
    create(
      weights: Uint8Array,
      device: 'cpu' | 'webgpu',
      inputSize: number | undefined,
      description: WeightsDescription | undefined,
      config: string | undefined,
      known: boolean,
    ): Promise<WasmEmbedder>;
  };
  Tuner: {
    new (embedder: WasmEmbedder, seed: number): WasmTuner;
    /** The project must have been made with the embedder's weights and input size. */
    open(project: Uint8Array, embedder: WasmEmbedder): WasmTuner;
  };
}

/** A build of a module: its glue, where its code is, and faster kernels for it. */
export interface WasmBuild<M extends Startable = WasmModule> {
  module: M;
  url: URL;
  kernels: KernelFiles;
}

/** What an instance is made of; other workers need not fetch or compile it again. */
export interface WasmCode {
  compiled: WebAssembly.Module;
  /** Null where the module does without. */
  kernels: Kernels | null;
}

/**
 * Fetches, compiles and starts a build; gives what was compiled, from which helpers make their own instances.
 *
 * @throws {RekindleError} WASM_FAILED when the file cannot be fetched, compiled or started.
 */
export async function startWasm(build: WasmBuild<Startable>, onProgress: (progress: LoadProgress) => void): Promise<WasmCode> {
  try {
    const kernels = fetchKernels(build.kernels);
    const report: OnBytes = (loadedBytes, totalBytes) => onProgress({ file: 'wasm', loadedBytes, totalBytes });
    const compiled = await download(build.url.href, report, compile);
    await build.module.default({ module_or_path: compiled });
    return { compiled, kernels: await useKernels(build.module, await kernels) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RekindleError(
      'WASM_FAILED',
      `the WebAssembly module did not start: ${reason}. Check the connection and that ${build.url} is served; ` +
        'the browser must support WebAssembly SIMD.',
      { url: build.url.href, reason },
    );
  }
}

/** Streaming compilation insists on a type that not every server sends. */
function compile(response: Response): Promise<WebAssembly.Module> {
  const type = 'application/wasm';
  const isNamed = response.headers.get('content-type') === type;
  return WebAssembly.compileStreaming(isNamed ? response : new Response(response.body, { headers: { 'content-type': type } }));
}

/** Whether the module broke down: its memory is then in an unknown state and nothing that it says can be trusted. */
export function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError;
}
