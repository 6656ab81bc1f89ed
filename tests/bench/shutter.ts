/** From the shutter to the model: image files in, a trained head out. */

import type { Page } from 'playwright-core';
import type { Site } from '../browser/site.ts';
import { alternate } from './rounds.ts';
import type { Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

const ROUNDS = 5;
const CLASSES = 3;
const PHOTOS = 90;
const VIEWS = 4;
/** What TF.js's examples of transfer learning take. */
const PEER = { epochs: 50, batchSize: 16 };

/** 90 photos, one view and four. */
export async function benchShutter(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  const page = await site.page();
  const found = await page.evaluate(prepare, { classes: CLASSES, count: PHOTOS, peer: PEER });
  const rekindle = (views: number) => rekindleRound(page, views);
  const times = await alternate(
    [
      { name: 'Rekindle, 1 view', round: () => rekindle(1) },
      { name: `Rekindle, ${VIEWS} views`, round: () => rekindle(VIEWS) },
      { name: `TF.js ${tfjsVersion()} (wasm), 1 view`, round: () => page.evaluate(() => (window as unknown as Contest).tfjs()) },
    ],
    ROUNDS,
  );
  return {
    name: 'shutter',
    title: 'From the shutter to the model',
    work: `${found.photos} photos of ${CLASSES} classes (JPEG, ${found.megapixels.toFixed(2)} megapixels on average) to a trained head`,
    notes: [
      'Rekindle: `addExamples` and `train` to its report with the defaults but for the views and without a validation split, in its ' +
        'worker; the head is solved to the optimum and calibrated by cross-validation.',
      `TF.js: each photo decoded, resized and embedded with the same weights (fused convolutions, norms folded), then Dense(100) and ` +
        `Dense(${CLASSES}) by Adam, ${PEER.epochs} epochs, batches of ${PEER.batchSize}, on the page's main thread.`,
      'Both have loaded wasm and weights before.',
      `Both learn: training accuracy ${found.ours.toFixed(3)} and ${found.theirs.toFixed(3)}.`,
    ],
    times,
  };
}

/** What the page holds between the rounds. */
interface Contest {
  tfjs(): Promise<number>;
  rekindle(views: number): Promise<{ ms: number; accuracy: number }>;
}

async function rekindleRound(page: Page, views: number): Promise<number> {
  return page.evaluate(async (views) => (await (window as unknown as Contest).rekindle(views)).ms, views);
}

/** Runs in the page: loads both, runs each once, and leaves a round of each on `window`. */
async function prepare({ classes, count, peer }: { classes: number; count: number; peer: { epochs: number; batchSize: number } }) {
  const { Tuner } = await import('rekindle');
  const { byLabel, photos } = await import('page/photos.js');
  const { startEmbedder } = await import('page/features.js');
  const tfjs = (await import('/bench/tfjs.js' as string)) as typeof import('./page/tfjs.ts');
  const backend = await tfjs.start();
  if (backend.backend !== 'wasm') throw new Error(`TF.js runs on ${backend.backend}`);

  const all = byLabel([...(await photos('train')), ...(await photos('test'))]);
  const bySize = [...all].map(([label, files]) => ({ label, files })).sort((a, b) => b.files.length - a.files.length);
  let left = count;
  // The smallest first, so that the others can make up for it.
  const largest = bySize
    .slice(0, classes)
    .reverse()
    .map(({ label, files }, index) => {
      const some = files.slice(0, Math.floor(left / (classes - index)));
      left -= some.length;
      return { label, files: some };
    });
  if (left > 0) throw new Error(`the largest classes have ${left} photos too few`);
  const files = largest.flatMap((of) => of.files);
  const labels = largest.flatMap((of, index) => of.files.map(() => index));

  const { embedder, weights } = await startEmbedder();
  const { mean, std } = embedder.spec();
  const theirs = tfjs.shutter(weights, embedder.inputSize(), [...mean], [...std]);
  const task = { files, labels, classes, ...peer };
  const rekindle = async (views: number) => {
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    const start = performance.now();
    for (const { label, files } of largest) await tuner.addExamples(label, files);
    const report = await tuner.train({ views, validation: 0 }).report;
    const ms = performance.now() - start;
    await tuner.dispose();
    return { ms, accuracy: report.epochs.at(-1)?.trainAccuracy ?? NaN };
  };
  Object.assign(window, { rekindle, tfjs: async () => (await theirs(task)).ms } satisfies Contest);

  const sizes = await Promise.all(files.map(async (file) => createImageBitmap(file)));
  const megapixels = sizes.reduce((sum, { width, height }) => sum + (width * height) / 1e6, 0) / sizes.length;
  return { photos: files.length, megapixels, ours: (await rekindle(1)).accuracy, theirs: (await theirs(task)).accuracy };
}
