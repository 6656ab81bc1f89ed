/** Which device is used, why, and the worker that belongs to it. */
import { RekindleError } from './errors.js';
import type { DeviceChoice, DeviceInfo } from './types.js';

/** The part of `navigator.gpu` that is needed. */
export interface Gpu {
  requestAdapter(options?: { powerPreference?: 'high-performance' }): Promise<Adapter | null>;
}

/** The part of a WebGPU adapter that is needed. Older browsers say `isFallbackAdapter` here, newer ones in `info`. */
export interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly device?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
}

/** A device before its worker has started: the vector instructions are known only there. */
export type ChosenDevice = Omit<DeviceInfo, 'simd'>;

/** Drivers that emulate a GPU on the processor: they take seconds for what the CPU build does in milliseconds. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

/**
 * Decides on a device.
 *
 * @param choice `auto` takes WebGPU only on a hardware adapter.
 * @throws {RekindleError} WEBGPU_UNAVAILABLE when `webgpu` is asked for and there is no adapter at all.
 */
export async function chooseDevice(choice: DeviceChoice, gpu: Gpu | undefined = navigatorGpu()): Promise<ChosenDevice> {
  if (choice === 'cpu') return cpu('The CPU was asked for.');
  const { adapter, trouble } = await findAdapter(gpu);
  if (choice === 'webgpu') {
    if (!adapter) throw unavailable(trouble);
    return webgpu(adapter, 'WebGPU was asked for.');
  }
  if (!adapter) return cpu(`The CPU is used because ${trouble}.`);
  if (isSoftware(adapter)) {
    return cpu(`The CPU is used because the WebGPU adapter (${nameOf(adapter)}) only emulates a GPU.`);
  }
  return webgpu(adapter, `WebGPU is used because there is a hardware adapter (${nameOf(adapter)}).`);
}

/** The device to fall back to after WebGPU was tried and failed. */
export function cpuInsteadOf(tried: ChosenDevice, error: RekindleError): ChosenDevice {
  return cpu(`The CPU is used because WebGPU (${tried.adapter}) failed: ${error.message}`);
}

/** Whether an error is the GPU's or its build's own, so that the CPU may do better. */
export function isDeviceError({ code }: RekindleError): boolean {
  return ['WEBGPU_UNAVAILABLE', 'DEVICE_LOST', 'DEVICE_WRONG', 'OUT_OF_MEMORY', 'WORKER_FAILED', 'WASM_FAILED'].includes(code);
}

/** Starts the worker of a device. The addresses are literal so that bundlers find them. */
export function startWorker(kind: DeviceInfo['kind']): Worker {
  return kind === 'cpu'
    ? new Worker(new URL('./worker-cpu.js', import.meta.url), { type: 'module' })
    : new Worker(new URL('./worker-gpu.js', import.meta.url), { type: 'module' });
}

function navigatorGpu(): Gpu | undefined {
  return (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;
}

async function findAdapter(gpu: Gpu | undefined): Promise<{ adapter: Adapter | null; trouble: string }> {
  if (!gpu) return { adapter: null, trouble: 'this browser or page has no WebGPU' };
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return { adapter, trouble: 'the browser gives no WebGPU adapter' };
  } catch (error) {
    return { adapter: null, trouble: `the WebGPU adapter failed (${error instanceof Error ? error.message : error})` };
  }
}

function isSoftware({ isFallbackAdapter, info }: Adapter): boolean {
  if (isFallbackAdapter || info?.isFallbackAdapter) return true;
  const words = [info?.architecture, info?.device, info?.description].join(' ');
  return info?.vendor === 'google' || SOFTWARE.test(words);
}

function nameOf({ info }: Adapter): string {
  return info?.description || [info?.vendor, info?.architecture].filter(Boolean).join(' ') || 'unnamed';
}

function cpu(reason: string): ChosenDevice {
  return { kind: 'cpu', adapter: null, software: false, reason };
}

function webgpu(adapter: Adapter, reason: string): ChosenDevice {
  return { kind: 'webgpu', adapter: nameOf(adapter), software: isSoftware(adapter), reason };
}

function unavailable(reason: string): RekindleError {
  return new RekindleError(
    'WEBGPU_UNAVAILABLE',
    `WebGPU is not available: ${reason}. Use device 'cpu' or 'auto'.`,
    { reason },
  );
}
