/** From options to a worker that is ready. */
import { Connection } from './connection.js';
import { chooseDevice, cpuInsteadOf, isDeviceError, startWorker } from './device.js';
import { optionInvalid, RekindleError } from './errors.js';
import type { CheckedCreateOptions } from './options.js';
import type { Created } from './protocol.js';
import type { DeviceInfo } from './types.js';

/** A worker that is ready, what it said of itself, and its device. */
export interface Started extends Created {
  connection: Connection;
  device: DeviceInfo;
}

/** Chooses the device and starts its worker; under `auto` the CPU takes over where the GPU fails. */
export async function start(options: CheckedCreateOptions, project: Blob | null): Promise<Started> {
  options.signal?.throwIfAborted();
  const device = await chooseDevice(options.device);
  try {
    return await startOn(device, options, project);
  } catch (error) {
    const mayFallBack = options.device === 'auto' && device.kind === 'webgpu';
    if (mayFallBack && error instanceof RekindleError && isDeviceError(error)) {
      return startOn(cpuInsteadOf(device, error), options, project);
    }
    throw error;
  }
}

async function startOn(device: DeviceInfo, options: CheckedCreateOptions, project: Blob | null): Promise<Started> {
  const { seed, inputSize, onProgress, signal } = options;
  const weights = weightsSource(options.weights);
  const connection = new Connection(newWorker(device.kind));
  try {
    const created = await connection.call(
      'create',
      { device: device.kind, seed, inputSize, weights, project },
      { signal, onEvent: (event) => 'file' in event && onProgress?.(event) },
    );
    return { connection, spec: created.spec, stages: created.stages, device };
  } catch (error) {
    connection.close(new RekindleError('DISPOSED', 'the tuner was not created'));
    throw error;
  }
}

function weightsSource(given: string | URL | Blob | undefined): string | Blob {
  if (given instanceof Blob) return given;
  if (given === undefined) return new URL('../weights/mobilenet_v2.safetensors', import.meta.url).href;
  try {
    return new URL(given, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    throw optionInvalid('weights', String(given), 'a valid address');
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
