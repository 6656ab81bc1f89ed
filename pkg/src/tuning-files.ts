/** The build of the wasm module that trains stages, beside both of the others; it is fetched when it is asked for. */
import { KERNELS } from './kernel-files.js';
import type { TuningModule, WasmBuild } from './wasm.js';
import * as module from './wasm/tune/rekindle.js';

export const TUNING: WasmBuild<TuningModule> = {
  module,
  url: new URL('./wasm/tune/rekindle_bg.wasm', import.meta.url),
  kernels: KERNELS,
};
