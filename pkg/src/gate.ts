/** A way through that can be shut for a while. */
export class Gate {
  #shut = false;
  #waiting: (() => void)[] = [];

  /** Shuts or opens it; whoever waits then goes on. */
  set shut(shut: boolean) {
    this.#shut = shut;
    if (shut) return;
    for (const go of this.#waiting.splice(0)) go();
  }

  get shut(): boolean {
    return this.#shut;
  }

  /** Resolves when it is open; rejects with the signal's reason when that aborts before. */
  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#shut) return;
    await new Promise<void>((go) => {
      this.#waiting.push(go);
      signal.addEventListener('abort', () => go(), { once: true });
    });
    signal.throwIfAborted();
  }
}
