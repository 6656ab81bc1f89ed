/** Every type that crosses the public API. Units are in the names; defaults are in `defaults.ts`. */
import type { RekindleError } from './errors.js';

/** What an image can be given as. A `<video>` gives its current frame. */
export type ImageInput =
  | Blob
  | ImageBitmap
  | ImageData
  | HTMLImageElement
  | HTMLCanvasElement
  | HTMLVideoElement
  | OffscreenCanvas;

/** The device that is asked for; `auto` takes WebGPU only where there is a hardware adapter. */
export type DeviceChoice = 'auto' | 'cpu' | 'webgpu';

/** The device that is used, and why. */
export interface DeviceInfo {
  kind: 'cpu' | 'webgpu';
  /** The adapter's own description, or null on the CPU. */
  adapter: string | null;
  /** Whether the adapter is emulated on the processor. */
  software: boolean;
  /** Why this device was chosen, as a sentence. */
  reason: string;
  /**
   * The vector instructions of what runs on the processor. `relaxed` multiplies and adds in one instruction; `plain` is for a browser
   * that does not know it, or whose file could not be loaded. Results differ by rounding only.
   */
  simd: 'relaxed' | 'plain';
}

/** Where the time of `Tuner.create` went, in milliseconds. */
export interface StartupTimings {
  totalMs: number;
  /** Finding a device and starting the worker. */
  workerMs: number;
  /** Fetching, compiling and starting the WebAssembly module. */
  wasmMs: number;
  /** Fetching and checking the weights, beside the module; of the package's own, what is left of it once the worker runs. */
  weightsMs: number;
  /** Reading the weights and compiling the frozen backbone. */
  prefixMs: number;
}

/** Bytes of the package's own files and of weights that have arrived. */
export interface LoadProgress {
  file: 'wasm' | 'weights';
  loadedBytes: number;
  /** Null where the server does not say. */
  totalBytes: number | null;
}

/** How weights are stored; they are computed with as 32-bit numbers, whichever it is. */
export type Precision = 'f16' | 'int8';

/** How a project is started. Defaults: `DEFAULT_CREATE_OPTIONS`. */
export interface CreateOptions {
  /**
   * The pretrained network: a name in `Tuner.backbones`; `hf:owner/name` for weights of timm at the Hugging Face hub, or
   * `hf:owner/name@revision`; the address of a weights file (a string with a slash or a dot, or a URL); or the file itself. `mobilenet_v2` is in the package;
   * anything else is fetched, once. Images never leave the device.
   */
  backbone?: string | URL | Blob;
  /** What a weights file does not say itself; it must name its architecture at least. */
  spec?: WeightsDescription;
  /** Of the weights file, in hexadecimal: another file is refused. */
  sha256?: string;
  /** Where the hub is; `https://huggingface.co` where left out. A mirror need not have the hub's lists, only its files. */
  baseUrl?: string | URL;
  /** Whether fetched weights are kept in the browser's Cache Storage, under the name `rekindle`; true where left out. */
  cache?: boolean;
  /**
   * The file of the classifier that the weights were trained with, for `classifyPretrained`: its address, or the file itself. The
   * package carries MobileNetV2's. Where it is left out and a weights file holds a classifier of one layer and 1000 classes, it is that one.
   */
  classifier?: string | URL | Blob;
  device?: DeviceChoice;
  /** Of everything that is random: splits, views, head. Whole number from 0 to 4294967295. */
  seed?: number;
  /** Side of the square input in pixels: a multiple of 32 from 32 to 512, or the weights' own, as where it is left out. */
  inputSize?: number;
  /**
   * How many workers embed side by side on the CPU, 1 to 32; each takes about 50 MB. One for each core where left out, at
   * most 4, or 8 where the browser says that there are 8 GB of memory.
   */
  workers?: number;
  /**
   * How the weights of the backbone in the package are stored: 'f16', or 'int8' for a download of 2.6 MB where 'f16' takes 4.7; what
   * that costs is in `docs/benchmarks/backbones.md`. Of no other backbone.
   */
  precision?: Precision;
  /** Another place of the weights of a `backbone` that is named: the address, or the file itself. */
  weights?: string | URL | Blob;
  /** Is told of bytes as they arrive. */
  onProgress?: (progress: LoadProgress) => void;
  /** Stops the loading; the call rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * How weights were trained. What is left out is as torchvision trains: bilinear, a centre crop of 0.875, ImageNet's mean and
 * deviation, and the architecture's usual input size.
 */
export interface WeightsDescription {
  /** Name of the architecture in `Tuner.backbones`, or timm's. */
  arch?: string;
  tag?: string;
  inputSize?: number;
  /** Of R, G, B, for values of 0 to 1. */
  mean?: [number, number, number];
  std?: [number, number, number];
  interpolation?: 'bilinear' | 'bicubic';
  /** Part of the resized shorter side that the centre crop keeps. */
  cropPct?: number;
  /** Order of the channels that the network was trained on, 'rgb' unless said; `mean` and `std` are R, G, B always. */
  channels?: 'rgb' | 'bgr';
  license?: string;
  source?: string;
}

/** An architecture that can be loaded, and its usual weights. */
export interface BackboneInfo {
  name: string;
  /** timm's name, where it is another. */
  alias: string | null;
  /** The repository of its usual weights at the Hugging Face hub. */
  hub: string | null;
  /** The address of its usual weights, where the hub has none. */
  address: string | null;
  /** Numbers to learn without the classifier. */
  parameters: number;
  /** Of one image of `inputSize`, without the classifier. */
  multiplyAdds: number;
  embeddingLength: number;
  inputSize: number;
  stages: number;
  /** Size of the usual weights. */
  downloadBytes: number | null;
  license: string | null;
  /** Share of ImageNet's validation images that the usual weights name right, in percent. */
  top1: number | null;
  top1Source: string | null;
}

/** A backbone's stages and what they cost. */
export interface BackboneSummary {
  inputSize: number;
  embeddingLength: number;
  /** Numbers to learn. */
  parameters: number;
  /** Of one view. */
  multiplyAdds: number;
  stages: StageSummary[];
}

/** One stage of a backbone. */
export interface StageSummary {
  /** Its kind and which of that kind it is: `residual3`. */
  name: string;
  /** Of the map that it gives; the last one's is the embedding. */
  channels: number;
  /** Height and width of that map; 1 where it is pooled. */
  side: number;
  parameters: number;
  multiplyAdds: number;
  /** Whether it is as it was pretrained; false once a fine-tuning of it was kept. */
  frozen: boolean;
}

/** What a backbone may cost. */
export interface Budget {
  /** For one view of an image, in milliseconds; 40 where left out. */
  viewMs?: number;
  /** To download, in megabytes; 50 where left out. */
  downloadMb?: number;
  /** What it runs on, `cpu` where left out; it says the speed. */
  device?: DeviceInfo['kind'];
  /** Million multiply-adds in a millisecond; that of the device in {@link DEFAULT_SPEEDS} where left out. */
  speed?: number;
}

/** A class that the pretrained classifier knows. */
export interface NamedClass {
  label: string;
  probability: number;
}

/** One labelled image that was added. */
export interface Example {
  id: number;
  label: string;
  /** What it was taken together with; null where nothing was said. */
  group: string | null;
}

/** How examples are added. */
export interface AddOptions {
  /**
   * Name of what the images were taken together with, such as a burst of the camera or one person's photos, not empty.
   * Examples of one group, also from several calls, are either learnt from or held out, never both. Near-duplicates are
   * grouped by themselves.
   */
  group?: string;
}

/** What can be wrong with examples; `Finding.message` and `advice` say it in words. */
export type FindingKind =
  | 'tooFewClasses'
  | 'tooFew'
  | 'oneGroup'
  | 'imbalance'
  | 'duplicates'
  | 'duplicatesAcrossClasses'
  | 'nearDuplicates'
  | 'nearDuplicatesAcrossClasses'
  | 'groupAcrossClasses'
  | 'alikeAcrossSplit'
  | 'tiny'
  | 'blank'
  | 'mislabelled'
  | 'confused'
  | 'moreImages';

/** One thing that is wrong with the examples. */
export interface Finding {
  kind: FindingKind;
  /** The classes concerned; empty where it is of all. */
  labels: string[];
  /** Ids of the examples to look at, the most telling first. */
  examples: number[];
  /** What was found, as an English sentence. */
  message: string;
  /** What to do, as an English sentence. */
  advice: string;
}

/** What is wrong with the examples, and how accuracy grows with their number. */
export interface Health {
  /** Empty where nothing was found. */
  findings: Finding[];
  /**
   * Accuracy (0 to 1) on held-out examples after learning from a quarter, half and all of the others; empty where there
   * are too few to say.
   */
  learningCurve: { examples: number; accuracy: number }[];
}

/** How the examples are looked at. */
export interface HealthOptions {
  /** Gives up; the call rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** One image that could not be added, and why. */
export interface Rejected {
  /** Place of the image in the list that was given. */
  index: number;
  error: RekindleError;
}

/** What became of images that were given: the good ones were added, the others not. */
export interface Added {
  added: Example[];
  rejected: Rejected[];
}

/** A class and its number of examples. */
export interface ClassCount {
  label: string;
  count: number;
}

/** Ranges of the random transforms; each view draws from all of them. */
export interface AugmentOptions {
  /** Part of the image's area that the random crop keeps: [least, most], within 0.05 to 1. */
  area?: [number, number];
  /** Width over height of the crop: [least, most], within 0.25 to 4. */
  ratio?: [number, number];
  /** Probability of a horizontal flip, 0 to 1. */
  flip?: number;
  /** Most degrees of rotation either way, 0 to 180. */
  rotation?: number;
  /** Brightness is multiplied by 1 +- this, 0 to 1. */
  brightness?: number;
  /** Contrast is multiplied by 1 +- this, 0 to 1. */
  contrast?: number;
  /** Saturation is multiplied by 1 +- this, 0 to 1. */
  saturation?: number;
  /** Hue is turned by up to this part of the colour circle either way, 0 to 0.5. */
  hue?: number;
  /** Probability that a random rectangle is erased, 0 to 1. */
  erasing?: number;
}

/** How stages of the backbone are trained. Defaults: `DEFAULT_TUNE_OPTIONS`. */
export interface TuneOptions {
  /** How many of the last stages are trained, from 0 (the head alone, by this optimiser) to all of them. */
  lastStages?: number;
  /** The stage where training begins, by its number from 0 or its name (`'invertedResidual16'`), instead of `lastStages`. */
  cut?: number | string | null;
  /** Times that every view is trained on, 1 to 1000. */
  epochs?: number;
  /** Peak of the head's learning rate, above 0 to 1. */
  learningRate?: number;
  /** What the last stage's learning rate is of the head's, above 0 to 1. */
  backboneRate?: number;
  /** What each stage's learning rate is of the next one's, above 0 to 1. */
  stageDecay?: number;
  /** Weight decay spares biases and norms; it is decoupled in `adamw`, and L2 on the loss in the others. */
  optimizer?: 'adamw' | 'adam' | 'sgd';
  /** Of `sgd`, 0 to below 1. */
  momentum?: number;
  /** Whether the momentum is Nesterov's. */
  nesterov?: boolean;
  /** Most that the norm of all gradients may be; 0 is no limit. 0 to 1000. */
  clip?: number;
  /** How the learning rate goes over the steps; `onecycle` warms up by itself. */
  schedule?: 'constant' | 'cosine' | 'linear' | 'step' | 'onecycle';
  /** Part of the steps in which the rate rises from zero, 0 to 0.5. */
  warmup?: number;
  /**
   * Parameter of the Beta distribution that pairs of views are mixed by, 0 to 1; 0 mixes none. The images are mixed, so that the
   * stages that are not trained run again for every batch: each epoch takes as long as embedding its images on top.
   */
  mixup?: number;
  /** Megabytes of features at the cut, or of images to be mixed, that are kept; past it they are computed anew each epoch. 0 to 4096. */
  cacheMb?: number;
}

/** How a head is trained. Defaults: `DEFAULT_TRAIN_OPTIONS`. */
export interface TrainOptions {
  /**
   * What is trained. `head`: a new head on the frozen backbone. `partial`: then the backbone's last stages with it. `full`:
   * the whole backbone. `staged`: as `partial`, the stages let loose one after the other. Where stages and head validate
   * worse than the head alone, the head alone is kept and the report says so. Where no example could be held out nothing
   * would tell, and no stage is trained; with `validation: 0`, which asks for no examples to be held out, the last epoch is kept.
   * Every training begins with the pretrained stages.
   */
  strategy?: 'head' | 'partial' | 'full' | 'staged';
  /**
   * How the head is trained. `lbfgs` solves a linear head on all views at once, to the optimum of multinomial logistic
   * regression with L2: an iteration is an epoch, cross-validation on the examples trained on chooses the strength and
   * how sure its probabilities are, and what the others go by (`batchSize` to `mixup`, `dropout`, `patience`) does not matter.
   * `prototype` trains nothing: an image is of the class whose mean embedding is nearest by angle. `neighbours` does not either:
   * an image is of the class whose nearest examples are nearest, 1, 3 or 5 of each, whichever does best in cross-validation. It
   * was never seen to do better than the others, and a project keeps the embeddings of up to 2000 images for it; only with the
   * strategy `head`. `auto` takes `lbfgs`, unless `prototype`, or with at most five images of each class `neighbours`, does
   * better in cross-validation by more than two standard errors.
   * `adamw`, `adam` and `sgd` go by batches and keep the epoch that validates best; a head with a hidden layer is always trained
   * so, by `adamw` where none of them is named. Their probabilities are fitted to the validation examples or, where fewer than ten
   * are held out and at most 100 trained on, to a cross-validation after the last epoch, which trains the head five times more.
   *
   * A training begins with the head there is, for the classes that stay: a linear one, or one of as many hidden units. After a
   * fine-tuning that was kept it begins anew, since that head reads other stages.
   */
  solver?: 'lbfgs' | 'prototype' | 'neighbours' | 'auto' | 'adamw' | 'adam' | 'sgd';
  /** 1 to 10000; the most of them, where the solver ends by itself. */
  epochs?: number;
  /** Views of each example, 1 to 100; the first is the plain one. Each is one image to embed, which is most of the time that a head takes. */
  views?: number;
  /** Views a step, 1 to 4096. */
  batchSize?: number;
  /** Peak of the learning rate, above 0 to 1. */
  learningRate?: number;
  /** How the learning rate goes over the steps; `onecycle` warms up by itself. */
  schedule?: 'constant' | 'cosine' | 'linear' | 'step' | 'onecycle';
  /** Part of the steps in which the rate rises from zero, 0 to 0.5. */
  warmup?: number;
  /** Of `sgd`, 0 to below 1. */
  momentum?: number;
  /** Whether the momentum is Nesterov's. */
  nesterov?: boolean;
  /** Parameter of the Beta distribution that the features of pairs of views are mixed by, 0 to 1; 0 mixes none. */
  mixup?: number;
  /** Decoupled in `adamw`, L2 on the loss in `adam` and `sgd`; biases are spared. 0 to 10. */
  weightDecay?: number;
  /** 0 to below 1. */
  labelSmoothing?: number;
  /** Part of the features (or hidden units) dropped in training, 0 to below 1. */
  dropout?: number;
  /** Units of the hidden layer; 0 is a linear head. 0 to 4096. */
  hidden?: number;
  /** Part of each class held out for validation, 0 to 0.5; classes of under ten examples hold out none. */
  validation?: number;
  /** Epochs without a better validation loss before stopping; 0 never stops early. 0 to 10000. */
  patience?: number;
  /** Whether every class counts the same in the loss, or every example. */
  classWeights?: 'balanced' | 'none';
  /** What is left out has its default. */
  augment?: AugmentOptions;
  /** Of the strategies that train stages. What is left out has its default. */
  tune?: TuneOptions;
  /** Cancels the training. */
  signal?: AbortSignal;
}

/** Training options with every default filled in. */
export type ResolvedTrainOptions = Required<Omit<TrainOptions, 'signal' | 'augment' | 'tune'>> & {
  augment: Required<AugmentOptions>;
  tune: Required<TuneOptions>;
};

/** Which views of an image are drawn. Defaults: `DEFAULT_PREVIEW_OPTIONS`. */
export interface PreviewOptions {
  /** What is left out has its default. */
  augment?: AugmentOptions;
  /** 1 to 100; the first is the plain one. */
  views?: number;
  /** Whole number from 0 to 4294967295; the tuner's own where left out. */
  seed?: number;
}

/** One labelled image to evaluate on. */
export interface LabelledImage {
  image: ImageInput;
  label: string;
}

/** Losses (in nats) and accuracies (0 to 1) after one epoch, which is one iteration of `lbfgs`. */
export interface EpochRow {
  /** What is trained in it: the head alone, or stages of the backbone with it. */
  phase: 'head' | 'tune';
  /** Counted from 1 in its phase. */
  epoch: number;
  trainLoss: number;
  trainAccuracy: number;
  /** Null without validation examples. */
  validationLoss: number | null;
  validationAccuracy: number | null;
}

/** What happens in a training: views are prepared, epochs trained, and it is done. */
export type TrainEvent =
  | { type: 'prepare'; doneViews: number; totalViews: number; elapsedMs: number }
  | ({ type: 'epoch'; epochs: number; elapsedMs: number } & EpochRow)
  | { type: 'done'; report: Report };

/** Quality for one class, each 0 to 1; `support` counts its images. */
export interface ClassMetrics {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  support: number;
}

/** How often predictions of like confidence are right. */
export interface CalibrationBin {
  /** Images. */
  count: number;
  /** Mean of their highest probabilities; 0 where there are none. */
  confidence: number;
  /** Share of them that are right; 0 where there are none. */
  accuracy: number;
}

/** Quality of a head on labelled images. */
export interface Metrics {
  /** Images. */
  count: number;
  accuracy: number;
  /** Mean of the recalls of the classes that have images. */
  balancedAccuracy: number;
  /** Mean F1 of the classes that have images or are predicted. */
  macroF1: number;
  /** Share of the images whose class is among the first 1, 2, ... predictions, up to five or the number of classes. */
  topK: number[];
  /** Mean cross-entropy, in nats. */
  loss: number;
  /** Expected calibration error: how far confidence and accuracy are apart, on average over the images. 0 to 1. */
  calibrationError: number;
  /** Bins of equal width of the highest probability, from 0 to 1; none in files of earlier versions. */
  calibration: CalibrationBin[];
  /** Labels in the order of the rows (truth) and columns (prediction) of `confusion`. */
  labels: string[];
  confusion: number[][];
  perClass: ClassMetrics[];
}

/** Where a training got out of hand. */
export interface Divergence {
  /** The code of the error that is thrown where nothing good is left to keep. */
  code: 'TRAINING_DIVERGED';
  /** What was trained. */
  phase: 'head' | 'tune';
  /** Counted from 1 in its phase. */
  epoch: number;
  reason: string;
}

/** What came of fine-tuning. */
export interface TuningReport {
  /** The stage where training began. */
  cut: number;
  /** Whether the tuned stages were kept; if not, the head alone is what is left. */
  kept: boolean;
  /**
   * Why. `better` and `notBetter`: on the validation examples, than the head alone. `notCompared`: there are no validation
   * examples; kept only where `validation: 0` asked for none. `diverged`: it got out of hand before one epoch was done. Null in
   * files of earlier versions.
   */
  reason: 'better' | 'notBetter' | 'notCompared' | 'diverged' | null;
  /** The head alone on the validation examples; null where there are none. */
  headValidation: Metrics | null;
}

/** What a training gave, as far as a project file keeps it: equal for two equal runs on the same device. */
export interface StoredReport {
  epochs: EpochRow[];
  /** The epoch that was kept, counted from 1 in the phase that it was kept from. */
  bestEpoch: number;
  stoppedEarly: boolean;
  trainExamples: number;
  validationExamples: number;
  /** Of the head that was kept, on the validation examples; null where there are none. */
  validation: Metrics | null;
  /**
   * The images that were trained on, each judged by a head that was trained on the others: five folds. A little too kind,
   * since strength, neighbours and temperature were chosen by it. Heads that go by batches have it only where fewer than ten
   * examples are held out and at most 100 trained on. Null elsewhere, and where tuned stages were kept: it would be of another
   * network, and to judge these they would have to be trained five times more; `validation` is what there is to go by.
   */
  crossValidation: Metrics | null;
  /** The inverse regularisation strength that cross-validation chose, scikit-learn's `C`; null where there is none. */
  strength: number | null;
  /** How many of the nearest images of each class decide; null where the head is none of nearest neighbours. */
  neighbours: number | null;
  /**
   * What the scores are divided by so that probabilities fit the predictions of cross-validation or, of heads that go by batches
   * and of tuned stages, those on the validation examples; 1 where not fitted.
   */
  temperature: number;
  /**
   * Where losses or gradients stopped being finite, or every gradient was zero: the best epoch before is kept, or the head alone
   * where stages were tuned. Null where they did not. A head that diverges in its first epoch fails with `TRAINING_DIVERGED`.
   */
  diverged: Divergence | null;
  /** What came of fine-tuning; null where the head alone was trained. */
  tuning: TuningReport | null;
  /** The options as they were used. */
  options: ResolvedTrainOptions;
  seed: number;
}

/** What a training gave, and how long it took. */
export interface Report extends StoredReport {
  /** The only part that differs between two equal runs. */
  timings: Timings;
}

/** Where the time went. */
export interface Timings {
  /** Decoding images and running the backbone on the views that were not cached. */
  embedMs: number;
  /** The epochs. */
  trainMs: number;
  /** Views that were not cached. */
  embeddedViews: number;
}

/** A class and its probability, 0 to 1. */
export interface Score {
  label: string;
  probability: number;
}

/** What the head makes of an image; `label` and `probability` are the first of `scores`. */
export interface Prediction {
  label: string;
  probability: number;
  /**
   * Whether the image is unlike everything the head was trained on: the cosine similarity of its embedding to the nearest
   * training example (Sun et al. 2022, k = 1) is below a threshold that 5 in 100 images of the known classes fall below. It is fitted
   * on the training examples, each compared to those of other groups; after fine-tuning on the validation examples, where there
   * are ten. With fewer than ten examples nothing is unknown; where every class is of a single group the rate is lower.
   */
  unknown: boolean;
  /** Every class, most probable first; the probabilities sum to one. */
  scores: Score[];
}

/** Where in an image a class was seen. */
export interface Explanation {
  /** Of the image, in pixels. */
  width: number;
  height: number;
  /**
   * What each pixel speaks for the class (above 0) or against it (below), row by row; 0 beyond the crop that the backbone
   * sees. In units of the score before the softmax.
   */
  heat: Float32Array<ArrayBuffer>;
}

/** What a trained model can be exported as: see `Tuner.export`. */
export type ExportFormat = 'onnx' | 'safetensors';

/** Origin and preprocessing of the pretrained weights. */
export interface Spec {
  arch: string;
  tag: string;
  inputSize: number;
  mean: [number, number, number];
  std: [number, number, number];
  interpolation: string;
  cropPct: number;
  /** Only where it is not RGB. */
  channels?: 'bgr';
  /** Only where weights are stored so: what is learnt on them fits the others not quite. */
  precision?: 'int8';
  license: string;
  source: string;
  sha256: string;
}
