/** The helpers of a session, as the page has them: it starts them, connects them with the session's worker, and ends them. */
import { Connection, type WorkerPort } from './connection.js';

/** What bounds the workers that are started without being asked for: each holds the weights and its own maps. */
const MOST_WORKERS = { withMuchMemory: 8, else: 4 };
/** In GiB; browsers that say it at all say no more than this. */
const MUCH_MEMORY = 8;

/** How many workers embed by default: one for each core, as far as the memory goes. */
export function defaultWorkers(
  { hardwareConcurrency = 1, deviceMemory = 0 }: { hardwareConcurrency?: number; deviceMemory?: number } = globalThis.navigator ?? {},
): number {
  const most = deviceMemory >= MUCH_MEMORY ? MOST_WORKERS.withMuchMemory : MOST_WORKERS.else;
  return Math.max(1, Math.min(hardwareConcurrency, most));
}

/**
 * Workers that only embed. They are the page's own and not the session's: workers of workers may outlive both, see
 * `docs/adr/0008`.
 */
export interface Pool {
  connections: Connection[];
  /** The other ends, for the session. */
  ports: MessagePort[];
  /** Resolves when the script of each runs, or has failed: the session then embeds without it. */
  running: Promise<unknown>;
}

/** Starts this many helpers, without an instance yet: that comes from the session, when there is work for it. */
export function startPool(count: number, start: () => WorkerPort): Pool {
  const helpers = Array.from({ length: Math.max(0, count) }, () => {
    const { port1: port, port2: other } = new MessageChannel();
    const connection = new Connection(start());
    return { connection, other, connected: connection.call('connect', { port }, { transfer: [port] }) };
  });
  return {
    connections: helpers.map(({ connection }) => connection),
    ports: helpers.map(({ other }) => other),
    running: Promise.allSettled(helpers.map(({ connected }) => connected)),
  };
}
