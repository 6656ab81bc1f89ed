/** How a call ended, as data that can leave the page. */

/** A call that returned, or the error it ended with. */
export type Outcome =
  | { ok: true; value: unknown }
  | { ok: false; name: string; code: string | null; message: string; details: unknown; elapsedMs: number };

/** Waits for a call to end, and says how. */
export async function outcome(call: () => unknown): Promise<Outcome> {
  const start = performance.now();
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ...failure(error), elapsedMs: performance.now() - start };
  }
}

/** An error as data. */
export function failure(error: unknown): Outcome & { ok: false } {
  const { name, message, code, details } = error as Error & { code?: string; details?: unknown };
  return { ok: false, name, code: code ?? null, message, details: details ?? null, elapsedMs: 0 };
}
