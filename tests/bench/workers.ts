/** The worker pool: how much sooner a training's views are embedded by two workers than by one. */

import type { Page } from 'playwright-core';
import type { Site } from '../browser/site.ts';
import { alternate, type Contender } from './rounds.ts';
import type { Result } from './result.ts';

const ROUNDS = 7;
const PHOTOS_A_CLASS = 8;
const VIEWS = 4;

/** 48 photos x 4 views, embedded for a training. */
export async function benchWorkers(site: Site): Promise<Result> {
  const page = await site.page();
  const photos = await page.evaluate(prepare, { perClass: PHOTOS_A_CLASS, views: VIEWS });
  const contenders = (['steady', 'withStart'] as const).flatMap((way) => [
    contender(page, 'two workers', way, 2),
    contender(page, 'one worker', way, 1),
  ]);
  const all = await alternate(contenders, ROUNDS);
  const work = `${photos} photos x ${VIEWS} views, embedded for a training through the package`;
  const steady = { work, times: all.slice(0, 2) };
  const withStart = { work: 'The same with the start of the workers', times: all.slice(2) };
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  return {
    name: 'workers',
    title: 'Embedding on more than one core',
    ...steady,
    more: [withStart],
    notes: [
      `The browser says that it has ${cores} cores; its own processes use them too.`,
      'From the call of `train()` to the last view embedded (`timings.embedMs`): decoding, augmenting and embedding.',
      'With the start: `Tuner.create()` is in it, and that the helper gets its instance and the weights.',
    ],
  };
}

type Way = 'steady' | 'withStart';

/** What the page holds between the rounds. */
interface Contest {
  /** Milliseconds of one round. */
  round(way: Way, workers: number): Promise<number>;
}

function contender(page: Page, name: string, way: Way, workers: number): Contender {
  const round = () =>
    page.evaluate(([way, workers]) => (window as unknown as Contest).round(way, workers), [way, workers] as const);
  return { name, round };
}

/** Runs in the page: leaves the rounds on `window`; gives the number of photos. */
async function prepare({ perClass, views }: { perClass: number; views: number }): Promise<number> {
  const { Tuner } = await import('rekindle');
  const { byLabel, photos } = await import('page/photos.js');
  const classes = byLabel(await photos('train', perClass));
  const create = (workers: number) => Tuner.create({ device: 'cpu', seed: 1, workers });

  /** Embeds all anew: features of examples that were removed are forgotten. */
  const embed = async (tuner: Awaited<ReturnType<typeof create>>) => {
    await tuner.removeExamples((await tuner.examples()).map(({ id }) => id));
    for (const [label, files] of classes) await tuner.addExamples(label, files);
    const { timings } = await tuner.train({ views, epochs: 1, validation: 0 }).report;
    if (timings.embeddedViews !== views * [...classes.values()].flat().length) throw new Error('something was not embedded anew');
    return timings.embedMs;
  };
  const tuners = new Map([1, 2].map((workers) => [workers, create(workers)]));
  const ways = {
    steady: async (workers: number) => embed(await (tuners.get(workers) as ReturnType<typeof create>)),
    withStart: async (workers: number) => {
      const started = performance.now();
      const tuner = await create(workers);
      const ready = performance.now() - started;
      const ms = ready + (await embed(tuner));
      await tuner.dispose();
      return ms;
    },
  };
  Object.assign(window, { round: (way, workers) => ways[way](workers) } satisfies Contest);
  return [...classes.values()].flat().length;
}
