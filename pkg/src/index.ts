/** Rekindle: fine-tunes image classifiers in the browser, on the user's own images. Nothing leaves the device. */
export { Tuner } from './tuner.js';
export { TrainingRun } from './training.js';
export { ERROR_CODES, RekindleError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export {
  DEFAULT_AUGMENT_OPTIONS,
  DEFAULT_BUDGET,
  DEFAULT_CREATE_OPTIONS,
  DEFAULT_PREVIEW_OPTIONS,
  DEFAULT_SPEEDS,
  DEFAULT_TRAIN_OPTIONS,
  DEFAULT_TUNE_OPTIONS,
} from './defaults.js';
export type * from './types.js';
