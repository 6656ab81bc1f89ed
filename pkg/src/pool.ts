/** The helpers of a session: more workers that embed side by side with it. */
import { Connection, type WorkerPort } from './connection.js';
import { RekindleError } from './errors.js';
import type { Args } from './protocol.js';

/** What bounds the workers that are started without being asked for: each holds the weights and its own maps. */
const MOST_WORKERS = { withMuchMemory: 8, else: 4 };
/** In GiB; browsers that say it at all say no more than this. */
const MUCH_MEMORY = 8;

/** How many workers embed by default: one for each core, as far as the memory goes. */
export function defaultWorkers(
  { hardwareConcurrency = 1, deviceMemory = 0 }: { hardwareConcurrency?: number; deviceMemory?: number } = navigator,
): number {
  const most = deviceMemory >= MUCH_MEMORY ? MOST_WORKERS.withMuchMemory : MOST_WORKERS.else;
  return Math.max(1, Math.min(hardwareConcurrency, most));
}

/** Embeds views of an image elsewhere. Rejects with {@link HelperGone} where that is over. */
export type EmbedViews = (what: Args<'embedViews'>, signal: AbortSignal) => Promise<Float32Array<ArrayBuffer>>;

/** A helper did not start, broke down or ran out of memory: what it was asked has to be done by another. */
export class HelperGone extends Error {}

export class Pool {
  #helpers: Connection[] = [];
  #ready: Promise<EmbedViews>[] | undefined;

  /**
   * Starts workers, without an instance yet, so that all of the package's files are fetched by the time this resolves.
   * Those that do not start are left out: the session embeds without them.
   */
  static async open(count: number, spawn: () => WorkerPort): Promise<Pool> {
    const pool = new Pool();
    const start = async () => {
      const helper = new Connection(spawn());
      await helper.call('ping', {});
      pool.#helpers.push(helper);
    };
    await Promise.allSettled(Array.from({ length: count }, start));
    return pool;
  }

  /** The helpers, each as soon as it has its instance; the first call makes them. */
  helpers(instance: Args<'startHelper'>): Promise<EmbedViews>[] {
    this.#ready ??= this.#helpers.map(async (helper): Promise<EmbedViews> => {
      await helper.call('startHelper', instance).catch(gone);
      return (what, signal) => helper.call('embedViews', what, { signal }).catch(goneIfBroken);
    });
    return this.#ready;
  }
}

function gone(error: unknown): never {
  throw new HelperGone('a helper is gone', { cause: error });
}

function goneIfBroken(error: unknown): never {
  const broken = error instanceof RekindleError && ['WORKER_FAILED', 'OUT_OF_MEMORY'].includes(error.code);
  if (broken) gone(error);
  throw error;
}
