/** The worker's side of the conversation: receives calls, runs them on the {@link Session} or {@link Helper}, answers. */
import { RekindleError } from './errors.js';
import { Gate } from './gate.js';
import { Helper } from './helper.js';
import type { Failure, FromWorker, Request, ToWorker } from './protocol.js';
import { type Answers, type Build, type CallContext, Session } from './session.js';
import { isTrap } from './wasm.js';

/** The part of a worker's global scope that is needed. */
export interface WorkerScope {
  postMessage(message: FromWorker): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

/** Answers every call until the worker is ended. Calls run side by side; the main thread keeps the order. */
export function serve(scope: WorkerScope, build: Build): void {
  const running = new Map<number, { controller: AbortController; gate: Gate }>();
  let session: Session | undefined;
  let helper: Helper | undefined;

  scope.addEventListener('message', ({ data }) => {
    if ('cancel' in data) running.get(data.cancel)?.controller.abort();
    else if ('pause' in data) pause(data);
    else void answer(data);
  });
  scope.addEventListener('unhandledrejection', ({ reason }) => {
    if (isTrap(reason)) scope.postMessage({ crash: crashed(reason) });
  });

  function pause({ pause: id, paused }: { pause: number; paused: boolean }): void {
    const call = running.get(id);
    if (call) call.gate.shut = paused;
  }

  async function answer(request: Request): Promise<void> {
    const { id } = request;
    const controller = new AbortController();
    const gate = new Gate();
    running.set(id, { controller, gate });
    const context: CallContext = {
      signal: controller.signal,
      gate,
      emit: (event) => {
        if (!controller.signal.aborted) scope.postMessage({ id, event });
      },
    };
    try {
      const value = await perform(request, context);
      scope.postMessage({ id, ok: true, value });
    } catch (error) {
      if (isTrap(error)) {
        scope.postMessage({ crash: crashed(error) });
        // The session goes on without: it need not hold its memory.
        if (helper) globalThis.close?.();
      } else scope.postMessage({ id, ok: false, ...failure(RekindleError.from(error)) });
    } finally {
      running.delete(id);
    }
  }

  async function perform(request: Request, context: CallContext) {
    switch (request.method) {
      case 'create':
        session = await Session.load(build, request.args, context, (state) => scope.postMessage({ state }));
        return session.created;
      case 'connect':
        serve(request.args.port, build);
        request.args.port.start();
        return undefined;
      case 'startHelper':
        helper = await Helper.start(build, request.args);
        return undefined;
      case 'embedViews':
        return started(helper).embedViews(request.args, context);
      default:
        return call(started(session), request, context);
    }
  }
}

function started<T>(what: T | undefined): T {
  if (!what) throw new RekindleError('INTERNAL', 'internal error: a call came before the start. Please report it.');
  return what;
}

function call<M extends keyof Answers>(answers: Answers, { method, args }: Request<M>, context: CallContext) {
  return answers[method](args, context);
}

function failure({ code, message, details }: RekindleError): Failure {
  return { code, message, details };
}

function crashed(reason: unknown): Failure {
  const text = reason instanceof Error ? reason.message : String(reason);
  return {
    code: 'WORKER_FAILED',
    message: `the worker broke down: ${text}. Create a new Tuner; a project that was saved can be opened again.`,
    details: { reason: text },
  };
}
