/** What is used where an option is left out. The training's own defaults are the Rust core's; a test compares them. */
import type { AugmentOptions, Budget, CreateOptions, DeviceInfo, PreviewOptions, ResolvedTrainOptions, TuneOptions } from './types.js';

export const DEFAULT_CREATE_OPTIONS = {
  backbone: 'mobilenet_v2',
  precision: 'f16',
  device: 'auto',
  seed: 0,
} as const satisfies CreateOptions;

export const DEFAULT_AUGMENT_OPTIONS: Readonly<Required<AugmentOptions>> = {
  area: [0.6, 1],
  ratio: [3 / 4, 4 / 3],
  flip: 0.5,
  rotation: 10,
  brightness: 0.2,
  contrast: 0.2,
  saturation: 0.2,
  hue: 0.02,
  erasing: 0,
};

export const DEFAULT_TUNE_OPTIONS: Readonly<Required<TuneOptions>> = {
  lastStages: 2,
  cut: null,
  epochs: 10,
  learningRate: 1e-3,
  backboneRate: 0.1,
  stageDecay: 0.7,
  optimizer: 'adamw',
  momentum: 0.9,
  nesterov: true,
  clip: 1,
  schedule: 'cosine',
  warmup: 0.1,
  mixup: 0,
  cacheMb: 256,
};

export const DEFAULT_TRAIN_OPTIONS: Readonly<ResolvedTrainOptions> = {
  strategy: 'head',
  solver: 'lbfgs',
  epochs: 50,
  views: 2,
  batchSize: 32,
  learningRate: 3e-4,
  schedule: 'cosine',
  warmup: 0,
  momentum: 0.9,
  nesterov: true,
  mixup: 0,
  weightDecay: 0.01,
  labelSmoothing: 0,
  dropout: 0,
  hidden: 0,
  validation: 0.2,
  patience: 10,
  classWeights: 'balanced',
  augment: DEFAULT_AUGMENT_OPTIONS,
  tune: DEFAULT_TUNE_OPTIONS,
};

/** The speed is that of one core with relaxed SIMD; see `docs/backbones.md`. */
/**
 * Million multiply-adds in a millisecond. `cpu`: as one core with relaxed SIMD was measured (docs/backbones.md). `webgpu`: ten times that,
 * an estimate for a small GPU that nobody measured.
 */
export const DEFAULT_SPEEDS = { cpu: 20, webgpu: 200 } as const satisfies Record<DeviceInfo['kind'], number>;

export const DEFAULT_BUDGET = { viewMs: 40, downloadMb: 50, device: 'cpu' } as const satisfies Required<Omit<Budget, 'speed'>>;

export const DEFAULT_PREVIEW_OPTIONS = { views: 8 } as const satisfies PreviewOptions;
