/** Where the kernels of this build are. */
import type { KernelFiles } from './kernels.js';

/** Both versions, found by every bundler. */
export const KERNELS: KernelFiles = {
  relaxed: {
    url: new URL('./wasm/kernels-relaxed.wasm', import.meta.url),
    integrity: KERNEL_INTEGRITY.relaxed,
  },
  plain: {
    url: new URL('./wasm/kernels-plain.wasm', import.meta.url),
    integrity: KERNEL_INTEGRITY.plain,
  },
};
