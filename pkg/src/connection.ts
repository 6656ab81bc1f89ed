/** The main thread's side of the conversation: posts calls, matches answers, and fails everything when the worker is gone. */
import { optionInvalid, RekindleError } from './errors.js';
import type { Args, CallEvent, FromWorker, Method, Request, State, ToWorker, Value } from './protocol.js';

/** The part of a Worker that is needed. */
export interface WorkerPort {
  postMessage(message: ToWorker, transfer: Transferable[]): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromWorker>) => void): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  addEventListener(type: 'messageerror', listener: () => void): void;
}

export interface CallOptions {
  transfer?: Transferable[];
  onEvent?: ((event: CallEvent) => void) | undefined;
  /** When it aborts, the call rejects at once with its reason, and the worker is told to stop. */
  signal?: AbortSignal | undefined;
  /** Is given a function that makes the call wait or go on. */
  onPausable?: ((pause: (paused: boolean) => void) => void) | undefined;
}

interface OpenCall {
  resolve: (value: Value<Method>) => void;
  reject: (reason: unknown) => void;
  onEvent: ((event: CallEvent) => void) | undefined;
}

export class Connection {
  /** What is known of the project without asking; up to date when the call that changed it resolves. */
  state: State = { classes: [], report: null };
  readonly #worker: WorkerPort;
  readonly #open = new Map<number, OpenCall>();
  readonly #helpers: readonly Connection[];
  #lastId = 0;
  #closed: RekindleError | null = null;

  /** The helpers are ended together with the worker. */
  constructor(worker: WorkerPort, helpers: readonly Connection[] = []) {
    this.#worker = worker;
    this.#helpers = helpers;
    worker.addEventListener('message', ({ data }) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.close(workerFailed(event.message || 'its script could not be loaded'));
    });
    worker.addEventListener('messageerror', () => this.close(workerFailed('a message could not be read')));
  }

  /** @throws {RekindleError} Why no further call is answered, once the worker is gone. */
  assertOpen(): void {
    if (this.#closed) throw this.#closed;
  }

  /** Asks the worker for something. */
  call<M extends Method>(
    method: M,
    args: Args<M>,
    { transfer = [], onEvent, signal, onPausable }: CallOptions = {},
  ): Promise<Value<M>> {
    return new Promise<Value<M>>((resolve, reject) => {
      this.assertOpen();
      signal?.throwIfAborted();
      const id = ++this.#lastId;
      post(this.#worker, { id, method, args } as Request, transfer);

      const cancel = () => {
        this.#open.delete(id);
        this.#worker.postMessage({ cancel: id }, []);
        reject(signal?.reason);
      };
      const settle = <T>(how: (value: T) => void) => (value: T) => {
        signal?.removeEventListener('abort', cancel);
        this.#open.delete(id);
        how(value);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#open.set(id, {
        resolve: settle(resolve as (value: Value<Method>) => void),
        reject: settle(reject),
        onEvent,
      });
      onPausable?.((paused) => {
        if (this.#open.has(id)) this.#worker.postMessage({ pause: id, paused }, []);
      });
    });
  }

  /** Ends the worker; every open and later call rejects with this error. */
  close(error: RekindleError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#worker.terminate();
    for (const helper of this.#helpers) helper.close(error);
    for (const call of [...this.#open.values()]) call.reject(error);
  }

  #receive(message: FromWorker): void {
    if ('state' in message) {
      this.state = { ...this.state, ...message.state };
    } else if ('crash' in message) {
      this.close(RekindleError.of(message.crash));
    } else {
      this.#answer(message);
    }
  }

  #answer(message: Extract<FromWorker, { id: number }>): void {
    const call = this.#open.get(message.id);
    if (!call) return; // Cancelled: nobody waits for it any more.
    if ('event' in message) call.onEvent?.(message.event);
    else if (message.ok) call.resolve(message.value);
    else call.reject(RekindleError.of(message));
  }
}

function post(worker: WorkerPort, message: ToWorker, transfer: Transferable[]): void {
  try {
    worker.postMessage(message, transfer);
  } catch (error) {
    // Functions, elements and the like cannot be posted: something in the arguments is not what it should be.
    throw optionInvalid('arguments', error instanceof Error ? error.message : String(error), 'plain data');
  }
}

function workerFailed(reason: string): RekindleError {
  return new RekindleError(
    'WORKER_FAILED',
    `the worker failed: ${reason}. Check the connection and that the package's files are served from the page's own origin and that its ` +
      'content security policy allows workers and WebAssembly; then create a new Tuner.',
    { reason },
  );
}
