/** Written by `build.mjs`: the kernels with relaxed SIMD that this build belongs to. */
export declare const RELAXED: { integrity: string };
