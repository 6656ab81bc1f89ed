import type { Finding, Health } from 'rekindle';
import { project } from './project.svelte.js';
import { isAbort, troubleOf, type Trouble } from './trouble.js';

/** What is wrong with the photos, as the package finds it. */
class Checkup {
  /** Null before the first look. */
  findings = $state.raw<Finding[] | null>(null);
  /** How accuracy grows with the number of photos; empty where nothing can be said. */
  curve = $state.raw<Health['learningCurve']>([]);
  busy = $state(false);
  trouble = $state.raw<Trouble | null>(null);
  /** The project's revision that was looked at. */
  #seen = $state<number | null>(null);
  /** Whether photos came, went or moved since. */
  stale = $derived(this.#seen !== null && this.#seen !== project.revision);

  #abort: AbortController | null = null;

  /**
   * Looks at the photos as they are; a look under way gives way. What came of it is said to screen readers where somebody
   * asked for it.
   */
  async look(asked: boolean): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = true;
    this.trouble = null;
    const revision = project.revision;
    try {
      const { findings, learningCurve } = await project.tuner.health({ signal: abort.signal });
      this.findings = findings;
      this.curve = learningCurve;
      this.#seen = revision;
      if (asked) project.spoken = spoken(findings.length);
    } catch (error) {
      if (!isAbort(error)) this.trouble = troubleOf(error);
    } finally {
      if (this.#abort === abort) this.busy = false;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Forgets all, as another project is opened. */
  clear(): void {
    this.stop();
    this.findings = null;
    this.curve = [];
    this.#seen = null;
    this.trouble = null;
  }
}

function spoken(count: number): string {
  if (count === 0) return 'The check of the photos found nothing wrong.';
  return `The check of the photos found ${count === 1 ? 'one thing' : `${count} things`} to look at.`;
}

export const checkup = new Checkup();
