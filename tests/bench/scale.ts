/** Many examples: memory and time as they grow. */

import type { Page } from 'playwright-core';
import { addCrops } from '../browser/crops.ts';
import { idleMemory, memory } from '../browser/memory.ts';
import type { Site } from '../browser/site.ts';
import type { Result } from './result.ts';

/** Memory and time are read as often. */
const MARKS = 4;
/** Examples are made and added at most as many at a time. */
const BATCH = 250;
const VIEWS = 4;
const SIDE = 96;
/** Of a photo's shorter side. */
const CROP = 0.4;

/** What was seen when so many examples were trained on. */
interface Mark extends Awaited<ReturnType<typeof train>> {
  examples: number;
  /** To make and add one of the examples that are new. */
  addMs: number;
  peakMb: number;
  afterMb: number;
}

/** Adds and trains on a quarter of the examples, then on twice as many, and so on; every training embeds what is new. */
export async function benchScale(site: Site, examples: number): Promise<Result> {
  const page = await site.page();
  const idle = await idleMemory(site.browser, page);
  await page.evaluate(async (inputSize) => {
    const { Tuner } = await import('rekindle');
    Object.assign(window, { tuner: await Tuner.create({ device: 'cpu', seed: 1, inputSize }) });
  }, SIDE);
  const marks: Mark[] = [];
  let added = 0;
  for (let mark = 1; mark <= MARKS; mark++) {
    const began = performance.now();
    const before = added;
    for (const next = Math.round((examples * mark) / MARKS); added < next; ) {
      added += await addCrops(page, added, Math.min(BATCH, next - added), CROP);
    }
    const addMs = (performance.now() - began) / (added - before);
    const peak = watch(site, page);
    const timings = await page.evaluate(train, VIEWS);
    marks.push({ examples: added, addMs, ...timings, peakMb: (await peak()) - idle, afterMb: (await memory(site.browser, page)) - idle });
  }
  const per = ({ embedMs, embeddedViews }: Mark) => (embedMs / embeddedViews).toFixed(2);
  return {
    name: 'scale',
    title: 'Many examples',
    work: `${examples} crops of photos x ${VIEWS} views at ${SIDE}x${SIDE}, added and trained on a quarter at a time`,
    notes: marks.map(
      (mark) =>
        `${mark.examples} examples: ${mark.addMs.toFixed(1)} ms to make and add each new one, ${per(mark)} ms for each new view; training on all took ${(mark.trainMs / 1000).toFixed(1)} s ` +
        `(${mark.iterations} iterations after the cross-validation); ${mark.peakMb.toFixed(0)} MB above the idle page at the most, ` +
        `${mark.afterMb.toFixed(0)} MB after a garbage collection.`,
    ),
    times: [],
  };
}

/** Runs in the page. */
async function train(views: number) {
  const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
  const { timings, epochs } = await tuner.train({ views }).report;
  return { ...timings, iterations: epochs.length };
}

/** Reads the memory each second until it is called; gives the most. */
function watch(site: Site, page: Page): () => Promise<number> {
  let ended = false;
  const watching = (async () => {
    let most = 0;
    while (!ended) {
      most = Math.max(most, await memory(site.browser, page));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    return most;
  })();
  return () => {
    ended = true;
    return watching;
  };
}
