/** The package's weights, which the page asks for while the worker starts: that takes as long as much of the file. */
import type { BackboneRequest } from './backbone.js';
import { RekindleError } from './errors.js';
import type { Failure } from './protocol.js';
import { type OnProgress, readShipped } from './shipped.js';

type Arrival = { bytes: Uint8Array<ArrayBuffer> } | { failure: Failure };

/** Begins to read them, where the backbone is the package's own; gives where they arrive. */
export function sendEarly(
  backbone: BackboneRequest,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): MessagePort | null {
  if (backbone.kind !== 'shipped') return null;
  const { port1, port2 } = new MessageChannel();
  const post = (arrival: Arrival, transfer: Transferable[]) => port1.postMessage(arrival, transfer);
  readShipped(backbone.source, onProgress, signal).then(
    (bytes) => post({ bytes }, [bytes.buffer]),
    (error: unknown) => {
      const { code, message, details } = RekindleError.from(error);
      post({ failure: { code, message, details } }, []);
    },
  );
  return port2;
}

/**
 * What arrives.
 *
 * @throws {RekindleError} WEIGHTS_FETCH when they could not be read.
 */
export async function receiveEarly(port: MessagePort): Promise<Uint8Array<ArrayBuffer>> {
  const arrival = await new Promise<Arrival>((resolve) => {
    port.onmessage = ({ data }: MessageEvent<Arrival>) => resolve(data);
  });
  port.close();
  if ('bytes' in arrival) return arrival.bytes;
  const { code, message, details } = arrival.failure;
  throw new RekindleError(code, message, details);
}
