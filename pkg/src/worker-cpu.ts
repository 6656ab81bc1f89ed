/** The worker for the CPU: the small build of the wasm module. */
import { KERNELS } from './kernel-files.js';
import { TUNING } from './tuning-files.js';
import * as module from './wasm/cpu/rekindle.js';
import { serve } from './worker.js';

serve(self, {
  module,
  url: new URL('./wasm/cpu/rekindle_bg.wasm', import.meta.url),
  kernels: KERNELS,
  weights: MOBILENET_V2,
  tuning: TUNING,
});
