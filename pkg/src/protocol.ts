/** What the main thread and the worker say to each other. */
import type { BackboneRequest } from './backbone.js';
import type { ErrorCode, ErrorDetails } from './errors.js';
import type {
  AugmentOptions,
  BackboneSummary,
  ClassCount,
  DeviceInfo,
  Example,
  Explanation,
  ExportFormat,
  Health,
  LoadProgress,
  Metrics,
  NamedClass,
  Prediction,
  Report,
  Spec,
  StartupTimings,
  StoredReport,
  TrainEvent,
} from './types.js';
import type { Turn } from './turns.js';
import type { View, WasmCode } from './wasm.js';
import type { Weights } from './weights.js';

/** What an image is when it is posted; see `images.ts`. */
export type ImageSource = Blob | ImageBitmap | ImageData;

/** Every call that a session answers: its arguments and its value. Failures come as errors, never as values. */
interface SessionCalls {
  create(args: CreateArgs): Created;
  /** The file to keep of an example, which is seen to decode: other calls go on meanwhile. */
  keep(args: { image: ImageSource }): Blob;
  addExample(args: { label: string; image: Blob; group: string | null }): Example;
  groupExamples(args: { ids: number[]; group: string | null }): void;
  removeExamples(args: { ids: number[] }): void;
  relabelExamples(args: { ids: number[]; label: string }): void;
  renameClass(args: { label: string; to: string }): void;
  removeClass(args: { label: string }): void;
  examples(args: Nothing): Example[];
  image(args: { id: number }): Blob;
  summary(args: Nothing): BackboneSummary;
  preview(args: { image: ImageSource; augment: AugmentOptions; views: number; seed: number }): Preview;
  train(args: { options: unknown }): Report;
  health(args: Nothing): Health;
  setLive(args: { on: boolean }): void;
  predict(args: { image: ImageSource }): Prediction;
  explain(args: { image: ImageSource; label: string | null }): Explanation;
  classifyPretrained(args: { image: ImageSource; top: number }): NamedClass[];
  embed(args: { image: ImageSource }): Float32Array<ArrayBuffer>;
  evaluate(args: { features: Float32Array; labels: string[] }): Metrics;
  save(args: Nothing): Uint8Array<ArrayBuffer>;
  export(args: { format: ExportFormat }): Uint8Array<ArrayBuffer>;
}

/** Every call that a helper answers: the first to the page that started it, the others to the session at the port's other end. */
interface HelperCalls {
  /** Answered as soon as the script runs; the other calls come by the port. */
  connect(args: { port: MessagePort }): void;
  startHelper(args: { code: WasmCode; weights: Weights; inputSize: number }): void;
  embedViews(args: { image: Blob; views: View[]; augment: AugmentOptions | undefined; cut: number | undefined }): Embedded;
}

/** Every call that a worker answers: a session's or a helper's. */
export interface Calls extends SessionCalls, HelperCalls {}

/** What a helper makes of an example's views. */
export type Embedded = Pick<Turn, 'features' | 'traits'>;

/** No arguments. */
export type Nothing = Record<string, never>;
export type Method = keyof Calls;
export type SessionMethod = keyof SessionCalls;
export type Args<M extends Method> = Parameters<Calls[M]>[0];
export type Value<M extends Method> = ReturnType<Calls[M]>;

export interface CreateArgs {
  device: 'cpu' | 'webgpu';
  seed: number;
  inputSize: number | undefined;
  /** Ports to helpers, each a worker that the page has started and ends. */
  helpers: MessagePort[];
  backbone: BackboneRequest;
  /** An absolute address or the file of the classifier that the weights were trained with; null where none is known. */
  classifier: string | Blob | null;
  /** A project file to open. */
  project: Blob | null;
}

export interface Created {
  spec: Spec;
  simd: DeviceInfo['simd'];
  startup: Omit<StartupTimings, 'totalMs' | 'workerMs'>;
  /** From the call's arrival in the worker to its answer. */
  elapsedMs: number;
  /** Of the backbone. */
  stages: number;
}

/** RGBA images of `side` squared, one after the other. */
export interface Preview {
  rgba: Uint8Array<ArrayBuffer>;
  side: number;
}

/** What happens while a call is under way. */
export type CallEvent = LoadProgress | Exclude<TrainEvent, { type: 'done' }>;

/** What the main thread knows of the project without asking. */
export interface State {
  classes: readonly ClassCount[];
  report: StoredReport | null;
}

/** An error on its way through `postMessage`. */
export interface Failure {
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
}

export type Request<M extends Method = Method> = { [N in M]: { id: number; method: N; args: Args<N> } }[M];

export type ToWorker =
  | Request
  /** The caller has given up the call of this id. */
  | { cancel: number }
  /** The caller wants the call of this id to wait, or to go on. */
  | { pause: number; paused: boolean };

export type FromWorker =
  | { id: number; ok: true; value: Value<Method> }
  | ({ id: number; ok: false } & Failure)
  | { id: number; event: CallEvent }
  /** Comes before the answer to the call that changed it. */
  | { state: Partial<State> }
  /** The worker can answer no further call. */
  | { crash: Failure };
