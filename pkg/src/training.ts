/** A training under way, as its caller sees it. */
import type { Report, TrainEvent } from './types.js';

/** Does the work: tells events, stops when the signal aborts, gives the report. */
export type TrainingWork = (
  emit: (event: TrainEvent) => void,
  signal: AbortSignal,
  onPausable: (pause: (paused: boolean) => void) => void,
) => Promise<Report>;

type End = { failed: false } | { failed: true; reason: unknown };

/**
 * A training that has begun. Its events can be iterated, its report awaited, both or neither; leaving the loop does not
 * stop it. Every iteration gives all events from the first.
 *
 * @example
 * const run = tuner.train({ epochs: 20 });
 * for await (const event of run) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.trainLoss);
 * }
 * const { bestEpoch } = await run.report;
 */
export class TrainingRun implements AsyncIterable<TrainEvent> {
  /**
   * The report, when all epochs are done or it stopped early; the tuner then predicts with the new head.
   *
   * @throws {RekindleError} OPTION_INVALID when an option is unknown or out of range, or another run is under way.
   * @throws {RekindleError} TOO_FEW_EXAMPLES when there are not two classes with examples.
   * @throws {RekindleError} TRAINING_DIVERGED when the losses stop being finite.
   * @throws {RekindleError} DEVICE_WRONG when the processor computes known answers wrongly.
   * @throws {DOMException} AbortError when it was cancelled.
   */
  readonly report: Promise<Report>;

  readonly #events: TrainEvent[] = [];
  readonly #abort = new AbortController();
  #paused = false;
  #pauseWork: (paused: boolean) => void = () => {};
  #end: End | null = null;
  #wake: () => void = () => {};
  #news = this.#nextNews();

  /** Begins at once. Made by `Tuner.train`. */
  constructor(work: TrainingWork, signal?: AbortSignal) {
    const cancel = () => this.#abort.abort(signal?.reason);
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });

    this.report = new Promise<Report>((resolve, reject) => {
      const fail = (reason: unknown) => {
        this.#finish({ failed: true, reason });
        reject(reason);
      };
      this.#abort.signal.addEventListener('abort', () => fail(this.#abort.signal.reason));
      if (this.#abort.signal.aborted) fail(this.#abort.signal.reason);
      else {
        work((event) => this.#emit(event), this.#abort.signal, (pause) => this.#canPause(pause)).then((report) => {
          if (this.#end) return;
          this.#emit({ type: 'done', report });
          this.#finish({ failed: false });
          resolve(report);
        }, fail);
      }
    });
    this.report
      // The failure is for whoever iterates or awaits; it is not the page's unhandled rejection.
      .catch(() => {})
      .finally(() => signal?.removeEventListener('abort', cancel));
  }

  /** Whether it is over: done, failed or cancelled. */
  get ended(): boolean {
    return this.#end !== null;
  }

  /** Whether it waits for {@link TrainingRun.resume}. */
  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Makes the training wait after the step at hand, with all that it has learnt; the result is the same as without.
   *
   * @example
   * document.onvisibilitychange = () => (document.hidden ? run.pause() : run.resume());
   */
  pause(): void {
    this.#pause(true);
  }

  /**
   * Lets a paused training go on.
   *
   * @example
   * resumeButton.onclick = () => run.resume();
   */
  resume(): void {
    this.#pause(false);
  }

  /**
   * Stops the training: the report and all iterations reject at once with an `AbortError`. The tuner stays as it was
   * before, and features that were computed stay cached. Does nothing when the training is over.
   *
   * @example
   * stopButton.onclick = () => run.cancel();
   */
  cancel(): void {
    if (!this.#end) this.#abort.abort(new DOMException('The training was cancelled.', 'AbortError'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, undefined> {
    for (let next = 0; ; ) {
      const event = this.#events[next];
      if (event) {
        next += 1;
        yield event;
      } else if (!this.#end) {
        await this.#news;
      } else if (this.#end.failed) {
        throw this.#end.reason;
      } else {
        return;
      }
    }
  }

  #pause(paused: boolean): void {
    if (this.#end || this.#paused === paused) return;
    this.#paused = paused;
    this.#pauseWork(paused);
  }

  #canPause(pause: (paused: boolean) => void): void {
    this.#pauseWork = pause;
    if (this.#paused) pause(true);
  }

  #emit(event: TrainEvent): void {
    if (this.#end) return;
    this.#events.push(event);
    this.#announce();
  }

  #finish(end: End): void {
    if (this.#end) return;
    this.#end = end;
    this.#announce();
  }

  #announce(): void {
    const wake = this.#wake;
    this.#news = this.#nextNews();
    wake();
  }

  #nextNews(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
