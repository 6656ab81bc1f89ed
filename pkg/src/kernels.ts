/**
 * The kernels with relaxed SIMD: a small module beside the main one, for browsers that can compile it. It is the same
 * arithmetic with multiply-add in one instruction, so that the main module can do without it.
 */
import type { DeviceInfo } from './types.js';

/** Where the module is, and the hash of its content: it must come from the same build as the main one. */
export interface RelaxedKernels {
  url: URL;
  integrity: string;
}

/** The part of the main module that takes the kernels over. */
export interface KernelHost {
  useRelaxedKernels(module: WebAssembly.Module): Promise<void>;
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
 * Fetches and compiles the kernels where the browser has relaxed SIMD.
 *
 * @returns Null where it has not, and where the kernels cannot be had: they are faster, not needed.
 */
export async function fetchRelaxed({ url, integrity }: RelaxedKernels): Promise<WebAssembly.Module | null> {
  if (!WebAssembly.validate(PROBE)) return null;
  try {
    const response = await fetch(url, { integrity });
    return response.ok ? await WebAssembly.compile(await response.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

/** Gives the kernels to the main module, and says which ones it runs on then. */
export async function useRelaxed(host: KernelHost, kernels: WebAssembly.Module | null): Promise<DeviceInfo['simd']> {
  if (!kernels) return 'plain';
  return host.useRelaxedKernels(kernels).then(
    () => 'relaxed',
    () => 'plain',
  );
}
