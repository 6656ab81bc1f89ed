/**
 * The kernels of the processor: a small module beside the main one, in two versions. It does what the main module can do by
 * itself, only faster, in whole numbers where this processor multiplies them faster than f32, and is written instruction by
 * instruction (`crate/xtask/src/kernels`).
 */
import type { DeviceInfo } from './types.js';

type Simd = DeviceInfo['simd'];

/** A file, and the hash of what must be in it: it works on addresses of the main module, so both must be of one build. */
interface KernelFile {
  url: URL;
  integrity: string;
}

/** Both versions. */
export type KernelFiles = Record<Simd, KernelFile>;

/** The part of the main module that takes kernels over. */
export interface KernelHost {
  useKernels(module: WebAssembly.Module): Promise<void>;
}

/** Kernels that are compiled. */
export interface Kernels {
  simd: Simd;
  module: WebAssembly.Module;
}

/** A module of one function, `f32x4.relaxed_madd` of its three parameters. */
// prettier-ignore
const PROBE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic number, version
  1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b, // types: (v128, v128, v128) -> v128
  3, 2, 1, 0, // functions: one of that type
  10, 13, 1, 11, 0, // code: one body of eleven bytes without locals
  0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b, // local.get 0 to 2, f32x4.relaxed_madd, end
);

/**
 * Fetches and compiles the kernels that this browser can run.
 *
 * @returns Null where they cannot be had: they are faster, not needed.
 */
export async function fetchKernels(files: KernelFiles): Promise<Kernels | null> {
  const simd = WebAssembly.validate(PROBE) ? 'relaxed' : 'plain';
  const { url, integrity } = files[simd];
  try {
    const response = await fetch(url, { integrity });
    return response.ok ? { simd, module: await WebAssembly.compile(await response.arrayBuffer()) } : null;
  } catch {
    return null;
  }
}

/** Gives the kernels to the main module; null where it does without. */
export async function useKernels(host: KernelHost, kernels: Kernels | null): Promise<Kernels | null> {
  if (!kernels) return null;
  return host.useKernels(kernels.module).then(
    () => kernels,
    () => null,
  );
}
