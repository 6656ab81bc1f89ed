/** The worker for WebGPU: the build of the wasm module that has it. */
import { KERNELS } from './kernel-files.js';
import { TUNING } from './tuning-files.js';
import * as module from './wasm/gpu/rekindle.js';
import { serve } from './worker.js';

serve(self, {
  module,
  url: new URL('./wasm/gpu/rekindle_bg.wasm', import.meta.url),
  kernels: KERNELS,
  weights: MOBILENET_V2,
  tuning: TUNING,
});
