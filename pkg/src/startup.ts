/** From options to a worker that is ready. */
import { Connection } from './connection.js';
import { type ChosenDevice, chooseDevice, cpuInsteadOf, isDeviceError, startWorker } from './device.js';
import { RekindleError } from './errors.js';
import { sendEarly } from './early.js';
import type { StartOptions } from './options.js';
import { defaultWorkers, startPool } from './pool.js';
import type { DeviceInfo, Spec, StartupTimings } from './types.js';

/** A worker that is ready, what it said of itself, and its device. */
export interface Started {
  connection: Connection;
  spec: Spec;
  /** Of the backbone. */
  stages: number;
  device: DeviceInfo;
  startup: StartupTimings;
}

/** Chooses the device and starts its worker; under `auto` the CPU takes over where the GPU fails. */
export async function start(options: StartOptions, project: Blob | null): Promise<Started> {
  options.signal?.throwIfAborted();
  const began = performance.now();
  const device = await chooseDevice(options.device);
  try {
    return await startOn(device, options, project, began);
  } catch (error) {
    const mayFallBack = options.device === 'auto' && device.kind === 'webgpu';
    if (mayFallBack && error instanceof RekindleError && isDeviceError(error)) {
      return startOn(cpuInsteadOf(device, error), options, project, began);
    }
    throw error;
  }
}

async function startOn(
  device: ChosenDevice,
  options: StartOptions,
  project: Blob | null,
  began: number,
): Promise<Started> {
  const { seed, inputSize, workers, backbone, classifier, onProgress, signal } = options;
  const worker = newWorker(device.kind);
  const helpers = device.kind === 'cpu' ? (workers ?? defaultWorkers()) - 1 : 0;
  const early = sendEarly(backbone, (progress) => onProgress?.(progress), signal);
  const { connections, ports, running } = startPool(helpers, () => startWorker('cpu'));
  const connection = new Connection(worker, connections);
  try {
    const { spec, stages, simd, startup, elapsedMs } = await connection.call(
      'create',
      { device: device.kind, seed, inputSize, helpers: ports, backbone, early, classifier, project },
      { transfer: early ? [...ports, early] : ports, signal, onEvent: (event) => 'file' in event && onProgress?.(event) },
    );
    // So that nothing is fetched any more once the tuner is there.
    await running;
    const totalMs = performance.now() - began;
    return { connection, spec, stages, device: { ...device, simd }, startup: { totalMs, workerMs: totalMs - elapsedMs, ...startup } };
  } catch (error) {
    connection.close(new RekindleError('DISPOSED', 'the tuner was not created'));
    throw error;
  }
}

function newWorker(kind: DeviceInfo['kind']): Worker {
  try {
    return startWorker(kind);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RekindleError(
      'WORKER_FAILED',
      `the worker could not be started: ${reason}. A browser is needed, and the package's files on the page's own origin.`,
      { reason },
    );
  }
}
