/** The helpers of a session, as the session's worker has them: it makes them ready and lends them pieces of its work. */
import { Connection } from './connection.js';
import { RekindleError } from './errors.js';
import type { Args, Embedded } from './protocol.js';
import type { Piece, Work } from './work.js';

/** With fewer views to embed, helpers are not worth their start, which takes as long as some views. */
const HELP_FROM = 16;
/**
 * A helper decodes one piece's image while it embeds another, and has one in store: the session, which embeds too, hands out
 * more only between its turns.
 */
const PIECES_A_HELPER = 3;

/** What the session knows of a piece, and what it does with what a helper gives. */
export interface Customer {
  /** What a helper is asked; undefined when the example is gone. */
  ask(piece: Piece): Args<'embedViews'> | undefined;
  put(piece: Piece, embedded: Embedded): void;
  /** Resolves when it may go on. */
  pass(signal: AbortSignal): Promise<void>;
}

export class Team {
  readonly #helpers: Connection[];
  /** What helpers are made of, until they are. */
  #instance: Args<'startHelper'> | undefined;
  #ready: Promise<Connection>[] = [];

  constructor(ports: MessagePort[], instance: Args<'startHelper'>) {
    this.#helpers = ports.map((port) => {
      const helper = new Connection({
        postMessage: (message, transfer) => port.postMessage(message, transfer),
        addEventListener: (type: string, listener: (event: never) => void) => port.addEventListener(type, listener as EventListener),
        terminate: () => port.close(),
      });
      port.start();
      return helper;
    });
    this.#instance = instance;
  }

  /** Whether helpers pay off for this many views. */
  helpsWith(views: number): boolean {
    return this.#helpers.length > 0 && views >= HELP_FROM;
  }

  /** Makes the helpers ready, which takes as long as some views, while a person still adds photos. */
  prepare(): void {
    const instance = this.#instance;
    this.#instance = undefined;
    if (!instance) return;
    this.#ready = this.#helpers.map(async (helper) => helper.call('startHelper', instance).then(() => helper));
    // One that does not start, for want of memory for example, is done without.
    for (const starting of this.#ready) starting.catch(() => {});
  }

  /** Lets the helpers take part until nothing is left to lend or `over` aborts; aborts it where the customer fails. */
  help(work: Work, customer: Customer, over: AbortController): void {
    this.prepare();
    for (const starting of this.#ready) {
      for (let lane = 0; lane < PIECES_A_HELPER; lane++) {
        starting.then(
          (helper) => lend(helper, work, customer, over.signal).catch((error: unknown) => over.abort(error)),
          () => {},
        );
      }
    }
  }
}

/** Lends piece after piece to a helper, one at a time, until none is left or the helper fails. */
async function lend(helper: Connection, work: Work, customer: Customer, signal: AbortSignal): Promise<void> {
  for (let piece = work.lend(); piece; piece = work.lend()) {
    await customer.pass(signal);
    const question = customer.ask(piece);
    if (!question) {
      work.drop(piece);
      continue;
    }
    const embedded = await helper.call('embedViews', question, { signal }).catch((error: unknown) => RekindleError.from(error));
    if (embedded instanceof RekindleError) {
      work.giveBack(piece);
      // What is wrong with an image is found out, and told, by the session; the helper goes on.
      if (!embedded.code.startsWith('IMAGE_')) return;
    } else {
      customer.put(piece, embedded);
    }
  }
}
