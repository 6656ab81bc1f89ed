import {
  DEFAULT_TRAIN_OPTIONS,
  type EpochRow,
  type Report,
  type ResolvedTrainOptions,
  type StoredReport,
  type TrainOptions,
  type TrainingRun,
} from 'rekindle';
import { checkup } from './checkup.svelte.js';
import { keptEpochs } from './outcome.js';
import { project, type Photo } from './project.svelte.js';
import { isAbort, troubleOf, type Trouble } from './trouble.js';

/** All options: the page lets a person turn some, and those that an opened project brings stay as they are. */
export type Settings = ResolvedTrainOptions;

/** The package's own defaults, as settings. */
export function defaultSettings(): Settings {
  return structuredClone(DEFAULT_TRAIN_OPTIONS);
}

/** One training and what came of it. */
class Run {
  settings = $state<Settings>(defaultSettings());
  phase = $state<'idle' | 'preparing' | 'learning' | 'stopping'>('idle');
  /** Views that went through the backbone so far. */
  views = $state.raw({ done: 0, total: 0, elapsedMs: 0 });
  rows = $state.raw<EpochRow[]>([]);
  /** The most epochs of what is trained at present. */
  epochs = $state(0);
  report = $state.raw<Report | StoredReport | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  stopped = $state(false);
  paused = $state(false);
  /** The project's revision that the model was trained on; null where nothing is trained. */
  trainedRevision = $state<number | null>(null);
  /** Keys of the classes that the model names. */
  known = $state.raw<ReadonlySet<number>>(new Set());

  /** The photo whose views the augmentation preview shows. */
  previewPhoto = $state.raw<Photo | null>(null);

  busy = $derived(this.phase !== 'idle');
  #abort: AbortController | null = null;
  #training: TrainingRun | null = null;

  /** Trains with the present settings; the model before it stays until this one is done. */
  async start(): Promise<void> {
    const previous = { rows: this.rows, report: this.report };
    const revision = project.revision;
    const classes = project.classes.filter(({ photos }) => photos.length > 0);
    this.#abort = new AbortController();
    this.phase = 'preparing';
    this.views = { done: 0, total: 0, elapsedMs: 0 };
    this.rows = [];
    this.report = null;
    this.trouble = null;
    this.stopped = false;
    checkup.stop();
    project.spoken = 'Training started.';
    try {
      await this.#follow({ ...$state.snapshot(this.settings), signal: this.#abort.signal });
      this.trainedRevision = revision;
      this.known = new Set(classes.map(({ key }) => key));
      project.unsaved = true;
      project.spoken = 'Training finished.';
      void checkup.look(false);
    } catch (error) {
      this.rows = previous.rows;
      this.report = previous.report;
      if (isAbort(error)) this.stopped = true;
      else this.trouble = troubleOf(error);
      project.spoken = this.trouble?.what ?? 'Training stopped.';
    } finally {
      this.phase = 'idle';
      this.#abort = null;
      this.#training = null;
      this.paused = false;
    }
  }

  /** Makes the training wait, or go on. */
  pauseOrResume(): void {
    if (!this.#training) return;
    this.paused = !this.paused;
    if (this.paused) this.#training.pause();
    else this.#training.resume();
    project.spoken = this.paused ? 'Training paused.' : 'Training goes on.';
  }

  stop(): void {
    if (!this.#abort) return;
    this.phase = 'stopping';
    this.#abort.abort();
  }

  /** Takes over the report of an opened project. */
  adopt(report: StoredReport | null): void {
    checkup.clear();
    this.report = report;
    this.rows = report ? keptEpochs(report) : [];
    this.trainedRevision = report ? project.revision : null;
    this.known = new Set(report ? project.classes.map(({ key }) => key) : []);
    this.trouble = null;
    this.stopped = false;
    if (report) this.settings = structuredClone(report.options);
  }

  async #follow(options: TrainOptions): Promise<void> {
    this.#training = project.tuner.train(options);
    for await (const event of this.#training) {
      if (event.type === 'prepare') {
        this.views = { done: event.doneViews, total: event.totalViews, elapsedMs: event.elapsedMs };
      } else if (event.type === 'epoch') {
        if (this.phase === 'preparing') this.phase = 'learning';
        // The stages' epochs have curves of their own: the head's are of another kind.
        this.rows = this.rows.at(-1)?.phase === event.phase ? [...this.rows, event] : [event];
        this.epochs = event.epochs;
      } else {
        this.report = event.report;
        this.rows = keptEpochs(event.report);
      }
    }
  }
}

export const run = new Run();
