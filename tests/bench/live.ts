/** Live mode: solving the head anew for one example more. */

import type { Site } from '../browser/site.ts';
import type { Result } from './result.ts';
import { alternate } from './rounds.ts';

const ROUNDS = 15;
const TASK = { examples: 1000, classes: 10 };

/** What the page holds between the rounds. */
interface Contest {
  one(): number;
  all(): number;
}

/** 1,000 examples of ten classes and one more. */
export async function benchLive(site: Site): Promise<Result> {
  const page = await site.page();
  const length = await page.evaluate(async ({ examples, classes }) => {
    const { startEmbedder } = await import('page/features.js');
    const { wasm, embedder } = await startEmbedder();
    const length = embedder.featureLength();
    const options = wasm.checkTrainOptions({});
    let state = 1;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const centres = Array.from({ length: classes }, () => Float32Array.from({ length }, random));
    /** Like an embedding: not negative, and its class's centre with as much of its own. */
    const embedding = (label: number) => (centres[label] as Float32Array).map((value) => Math.max(0, value + 2 * random() - 1));
    const filled = () => {
      const tuner = new wasm.Tuner(embedder, 1);
      const add = (label: number) => tuner.putPlain(tuner.addExample(`class ${label}`), embedding(label));
      for (let index = 0; index < examples; index += 1) add(index % classes);
      return { tuner, add };
    };
    const timed = (work: () => unknown) => {
      const start = performance.now();
      work();
      return performance.now() - start;
    };
    const { tuner, add } = filled();
    tuner.follow(options);
    let next = 0;
    const one = () => {
      add(next++ % classes);
      return timed(() => tuner.follow(options));
    };
    const all = () => {
      const { tuner } = filled();
      const ms = timed(() => tuner.follow(options));
      tuner.free();
      return ms;
    };
    Object.assign(window, { one, all } satisfies Contest);
    return length;
  }, TASK);
  const times = await alternate(
    [
      { name: 'one example more', round: () => page.evaluate(() => (window as unknown as Contest).one()) },
      { name: 'all from nothing', round: () => page.evaluate(() => (window as unknown as Contest).all()) },
    ],
    ROUNDS,
  );
  return {
    name: 'live',
    title: 'Live mode',
    work: `Solving the head for ${TASK.examples} plain views x ${length} features, ${TASK.classes} classes, in WebAssembly on one core`,
    notes: [
      'The embeddings are made up: class centres with noise. Embedding the new image itself is not in these times.',
      'With one example more the solver goes on from the head that there is; from nothing it begins at zero.',
    ],
    times,
  };
}
