/** A core without arithmetic, and a browser without pictures: enough to run the whole TypeScript of the package in Node. */
import { createHash } from 'node:crypto';
import { MessageChannel, MessagePort, type TransferListItem } from 'node:worker_threads';
import { optionInvalid, RekindleError } from '../src/errors.js';
import { DEFAULT_TRAIN_OPTIONS } from '../src/defaults.js';
import type { FromWorker, ToWorker } from '../src/protocol.js';
import type { Build } from '../src/session.js';
import type { ClassCount, Example, ExportFormat, ResolvedTrainOptions, StoredReport } from '../src/types.js';
import type { Pending, TuningModule, WasmEmbedder, WasmModule, WasmRun, WasmTuner, WasmTuningRun } from '../src/wasm.js';
import { serve } from '../src/worker.js';

// Newer versions of Node have one, which would start a helper for each core.
Reflect.deleteProperty(globalThis, 'navigator');

const NO_FILE = { url: new URL('data:application/wasm,'), integrity: '' };

export const WEIGHTS = new Blob(['weights']);
const FILE = { bytes: 7, sha256: createHash('sha256').update('weights').digest('hex') };

const SPEC = { arch: 'fake', inputSize: 2 } as ReturnType<WasmEmbedder['spec']>;

/** What a test can change of the core, and see of it. */
export class FakeCore {
  readonly log: string[] = [];
  /** Runs before every embedding; the session's embedder is the first, those of helpers come after. */
  beforeEmbed: (embedder: number) => void | Promise<void> = () => {};
  #embedders = 0;
  beforeEpoch: () => void = () => {};
  /** Runs when an embedder is made on this device. */
  onDevice: (device: 'cpu' | 'webgpu') => void = () => {};

  get build(): Build {
    return {
      module: this.module,
      url: new URL('data:application/wasm;base64,AGFzbQEAAAA='),
      kernels: { relaxed: NO_FILE, plain: NO_FILE },
      weights: { f16: FILE, int8: FILE },
      tuning: { module: this.tuning, url: new URL('data:application/wasm;base64,AGFzbQEAAAA='), kernels: { relaxed: NO_FILE, plain: NO_FILE } },
    };
  }

  /** Runs when what trains stages is made. */
  onFineTuner: () => void = () => {};

  readonly tuning: TuningModule = {
    default: async () => {},
    useKernels: async () => {},
    FineTuner: {
      create: async () => {
        this.onFineTuner();
        return { start: () => this.#tuningRun() };
      },
    },
  };

  /** Two steps, which read one view at the cut. */
  #tuningRun(): WasmTuningRun {
    let steps = 0;
    let missing: Pending[] = [{ example: 1, views: [{ index: 0, seed: 1 }] }];
    return {
      cut: () => 17,
      pending: () => missing,
      wants: () => missing,
      putFeatures: () => {
        missing = [];
      },
      step: () => {
        if (++steps > 2) return undefined;
        return { phase: 'tune', epoch: steps, trainLoss: 1, trainAccuracy: 1, validationLoss: null, validationAccuracy: null };
      },
      finish: () => new Uint8Array([4]),
      free: () => this.log.push('free tuning'),
    };
  }

  readonly module: WasmModule = {
    default: async () => {},
    useKernels: async () => {},
    traits: () => new Uint8Array(36),
    probe: (bytes) => {
      if (bytes[0] !== 'J'.charCodeAt(0)) throw new RekindleError('IMAGE_DECODE', 'not an image');
      return { format: 'jpeg', width: 1, height: 1, orientation: 1 };
    },
    projectMadeWith: () => ({ spec: SPEC, inputSize: 224 }),
    defaultTrainOptions: () => ({ ...DEFAULT_TRAIN_OPTIONS }),
    checkTrainOptions: (given) => {
      for (const name of Object.keys(given as object)) {
        if (!(name in DEFAULT_TRAIN_OPTIONS)) throw optionInvalid(name, 'not an option', 'an option');
      }
      return { ...DEFAULT_TRAIN_OPTIONS, ...(given as Partial<ResolvedTrainOptions>) };
    },
    Embedder: {
      create: async (_, device) => {
        this.onDevice(device);
        return this.#embedder(device);
      },
    },
    Tuner: Object.assign(fakeTuner(this), { open: () => new (fakeTuner(this))() }) as unknown as WasmModule['Tuner'],
  };

  #embedder(kind: 'cpu' | 'webgpu'): WasmEmbedder {
    const number = ++this.#embedders;
    return {
      device: () => ({ kind, adapter: null, software: false, reason: '' }),
      spec: () => SPEC,
      inputSize: () => 2,
      featureLength: () => 1,
      stages: () => 19,
      summary: () => ({ inputSize: 2, embeddingLength: 1, parameters: 0, multiplyAdds: 0, stages: [] }),
      tuned: async () => undefined,
      embed: async (_rgba, _width, _height, views) => {
        await this.beforeEmbed(number);
        this.log.push(`embed ${views.map(({ index }) => index)}`);
        return new Float32Array(views.length);
      },
      map: () => new Float32Array(4),
      classifier: (file) => {
        this.log.push(`classifier ${file?.length ?? 'of the weights'}`);
        return { classify: () => [] };
      },
      preview: (_rgba, _width, _height, views) => {
        return new Uint8Array(views.length * 16).map((_, i) => Math.floor(i / 16));
      },
      free: () => {},
    };
  }
}

function fakeTuner(core: FakeCore) {
  return class implements WasmTuner {
    #examples: Example[] = [];
    #cached = new Map<number, Set<number>>();
    #report: StoredReport | undefined;
    #lastId = 0;

    addExample(label: string): number {
      this.#examples.push({ id: ++this.#lastId, label, group: null });
      return this.#lastId;
    }
    setGroup(id: number, group: string | undefined): void {
      this.#examples = this.#examples.map((one) => (one.id === id ? { ...one, group: group ?? null } : one));
    }
    putTraits(id: number): void {
      core.log.push(`traits ${id}`);
    }
    removeExample(id: number): void {
      this.#examples = this.#examples.filter((example) => example.id !== id);
    }
    relabelExample(id: number, label: string): void {
      this.#examples = this.#examples.map((example) => (example.id === id ? { ...example, label } : example));
    }
    renameClass(label: string, to: string): void {
      this.#examples = this.#examples.map((example) => (example.label === label ? { ...example, label: to } : example));
    }
    removeClass(label: string): void {
      this.#examples = this.#examples.filter((example) => example.label !== label);
    }
    examples(): Example[] {
      return this.#examples;
    }
    classes(): ClassCount[] {
      const labels = [...new Set(this.#examples.map(({ label }) => label))];
      return labels.map((label) => ({ label, count: this.#examples.filter((e) => e.label === label).length }));
    }
    pending({ views }: ResolvedTrainOptions) {
      if (this.classes().length < 2) throw new RekindleError('TOO_FEW_EXAMPLES', 'training needs two classes');
      return this.#examples
        .map(({ id }) => ({
          example: id,
          views: Array.from({ length: views }, (_, index) => ({ index, seed: id })).filter(
            ({ index }) => !this.#cached.get(id)?.has(index),
          ),
        }))
        .filter((pending) => pending.views.length > 0);
    }
    putFeatures(example: number, views: { index: number }[]): void {
      const cached = this.#cached.get(example) ?? new Set();
      for (const { index } of views) cached.add(index);
      this.#cached.set(example, cached);
    }
    pendingPlain() {
      return this.#examples
        .filter(({ id }) => !this.#cached.get(id)?.has(0))
        .map(({ id }) => ({ example: id, views: [{ index: 0, seed: id }] }));
    }
    putPlain(example: number): void {
      this.putFeatures(example, [{ index: 0 }]);
    }
    startCheckup() {
      let steps = 0;
      return {
        step: () => {
          core.beforeEpoch();
          return ++steps < 3;
        },
        finish: () => ({ findings: [], learningCurve: [{ examples: this.#examples.length, accuracy: 1 }] }),
        free: () => core.log.push('free checkup'),
      };
    }
    startRun({ epochs }: ResolvedTrainOptions): WasmRun {
      core.log.push(`start with ${this.#examples.length}`);
      let epoch = 0;
      return {
        step: () => {
          if (epoch === epochs) return undefined;
          core.beforeEpoch();
          epoch += 1;
          return { phase: 'head', epoch, trainLoss: 1, trainAccuracy: 1, validationLoss: null, validationAccuracy: null };
        },
        free: () => core.log.push('free'),
      };
    }
    finishRun(): StoredReport {
      this.#report = { bestEpoch: 1, seed: 7 } as StoredReport;
      return this.#report;
    }
    follow(): boolean {
      core.log.push(`follow ${this.#examples.length}`);
      if (this.classes().length < 2) return false;
      this.#report = { bestEpoch: 0, seed: 7 } as StoredReport;
      return true;
    }
    prepareTuning() {
      return { project: new Uint8Array([3]), samples: {} };
    }
    finishTuning(project: Uint8Array): StoredReport {
      core.log.push(`finish tuning ${project}`);
      return this.finishRun();
    }
    report(): StoredReport | undefined {
      return this.#report;
    }
    predict(features: Float32Array) {
      if (!this.#report) throw new RekindleError('NOT_TRAINED', 'nothing is trained yet');
      return Array.from(features, () => ({ label: 'cat', probability: 1, unknown: false, scores: [] }));
    }
    explain(_: WasmEmbedder, map: Float32Array, width: number, height: number, label: string | undefined) {
      if (!this.#report) throw new RekindleError('NOT_TRAINED', 'nothing is trained yet');
      core.log.push(`explain ${label} from ${map.length}`);
      return new Float32Array(width * height);
    }
    evaluate(features: Float32Array, labels: string[]) {
      return { count: features.length, labels } as unknown as ReturnType<WasmTuner['evaluate']>;
    }
    save() {
      return new Uint8Array([1, 2, 3]);
    }
    export(format: ExportFormat) {
      if (!this.#report) throw new RekindleError('NOT_TRAINED', 'nothing is trained yet');
      return new TextEncoder().encode(format);
    }
    free(): void {}
  };
}

/** Puts a Worker into the global scope that runs the package's worker on this core, and what it needs of a browser. */
export function installBrowser(core: FakeCore): { started: string[] } {
  const started: string[] = [];
  class FakeWorker {
    readonly #port: MessagePort;
    readonly #worker: MessagePort;
    readonly #given: MessagePort[] = [];

    constructor(url: URL) {
      started.push(url.pathname.split('/').at(-1) ?? '');
      const { port1, port2 } = new MessageChannel();
      this.#port = port1;
      this.#worker = port2;
      serve(
        {
          postMessage: (message: FromWorker) => port2.postMessage(message),
          addEventListener: (type: string, listener: (event: never) => void) => {
            if (type === 'message') port2.on('message', (data: ToWorker) => listener({ data: this.#received(data) } as never));
          },
        },
        core.build,
      );
    }
    postMessage(message: ToWorker, transfer: Transferable[]): void {
      this.#port.postMessage(message, transfer as unknown as TransferListItem[]);
    }
    /** Ports that come with a message end with the worker. */
    #received(message: ToWorker): ToWorker {
      const values = 'args' in message ? Object.values(message.args).flat() : [];
      for (const value of values) if (value instanceof MessagePort) this.#given.push(value);
      return message;
    }
    addEventListener(type: string, listener: (event: never) => void): void {
      if (type === 'message') this.#port.on('message', (data: FromWorker) => listener({ data } as never));
    }
    terminate(): void {
      for (const port of [this.#port, this.#worker, ...this.#given]) port.close();
    }
  }
  class FakeImageData {
    constructor(
      readonly data: Uint8ClampedArray,
      readonly width: number,
      readonly height: number,
    ) {}
  }
  class FakeCanvas {
    getContext() {
      return { drawImage: () => {}, getImageData: () => ({ data: new Uint8ClampedArray(4) }) };
    }
  }
  Object.assign(globalThis, {
    Worker: FakeWorker,
    ImageData: FakeImageData,
    OffscreenCanvas: FakeCanvas,
    createImageBitmap: () => ({ width: 1, height: 1, close: () => {} }),
  });
  return { started };
}

export function installGpu(): void {
  const gpu = { requestAdapter: async () => ({ info: { vendor: 'nvidia', architecture: 'ampere' } }) };
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}
