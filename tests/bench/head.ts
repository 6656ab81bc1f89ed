/** Training a head on cached features: Rekindle through its package against TF.js on the very same features. */

import type { Page } from 'playwright-core';
import type { Site } from '../browser/site.ts';
import { alternate } from './rounds.ts';
import type { Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

const ROUNDS = 7;
const TASK = { epochs: 50, views: 4, batchSize: 32, learningRate: 0.001 };
/** More than the solver needs: it ends by itself. */
const MOST_ITERATIONS = 1000;

/** 133 photos x 4 views, 50 epochs. */
export async function benchHead(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  const page = await site.page();
  const setting = await prepareRekindle(page);
  const backend = await prepareTfjs(page);
  const times = await alternate(
    [
      { name: 'Rekindle', round: () => page.evaluate(() => (window as unknown as Contest).rekindle('lbfgs')) },
      { name: "Rekindle, `solver: 'adamw'`", round: () => page.evaluate(() => (window as unknown as Contest).rekindle('adamw')) },
      { name: `TF.js ${tfjsVersion()} (wasm)`, round: () => page.evaluate(() => (window as unknown as Contest).tfjs()) },
    ],
    ROUNDS,
  );
  return {
    name: 'head',
    title: 'Training a head on cached features',
    work:
      `${setting.examples} photos x ${TASK.views} views (${setting.rows} rows of ${setting.featureLength} features, ` +
      `${setting.classes} classes), ${TASK.epochs} epochs, batches of ${TASK.batchSize}`,
    notes: [
      'Rekindle: `tuner.train()` from the call to its report, through its worker, without a validation split: solved to the ' +
        `optimum, strength and temperature chosen by cross-validation, ${setting.iterations} iterations; and by AdamW with the ` +
        'numbers above and a cosine schedule.',
      `TF.js: \`model.fit\` of one softmax layer with Adam on the page's main thread, tensors made before; SIMD ${backend.simd}, ` +
        `threads ${backend.threads && backend.isolated}. No dropout, smoothing, decay or callbacks.`,
      `Both learn: training accuracy ${setting.accuracy.toFixed(3)} and ${backend.accuracy.toFixed(3)}.`,
    ],
    times,
  };
}

/** What the page holds between the rounds. */
interface Contest {
  rekindle(solver: 'lbfgs' | 'adamw'): Promise<number>;
  tfjs(): Promise<number>;
  task: import('./page/tfjs.ts').HeadTask;
}

/** Trains once, so that the features are cached, and keeps the same features for TF.js. */
async function prepareRekindle(page: Page) {
  return page.evaluate(async ({ most, ...wanted }) => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const { cachedFeatures } = await import('page/features.js');
    const options = { ...wanted, solver: 'adamw' as const, validation: 0, patience: 0 };
    const classes = byLabel(await photos('train'));
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    for (const [label, files] of classes) await tuner.addExamples(label, files);
    const first = await tuner.train(options).report;
    const { features, featureLength, labels } = await cachedFeatures(classes, 1, options);

    const train = async (solver: 'lbfgs' | 'adamw') => {
      const start = performance.now();
      const report = await tuner.train({ ...options, solver, epochs: solver === 'adamw' ? wanted.epochs : most }).report;
      const ms = performance.now() - start;
      if (report.timings.embeddedViews !== 0) throw new Error('the features were not cached');
      const all = solver === 'adamw' ? report.epochs.length === wanted.epochs : report.stoppedEarly;
      if (!all) throw new Error(`${solver} ended after ${report.epochs.length} epochs`);
      return { ms, iterations: report.epochs.length };
    };
    const rekindle = async (solver: 'lbfgs' | 'adamw') => (await train(solver)).ms;
    const { iterations } = await train('lbfgs');
    const task = { features, featureLength, labels, classes: classes.size, ...wanted };
    Object.assign(window, { rekindle, task });
    return {
      examples: first.trainExamples,
      rows: labels.length,
      featureLength,
      classes: classes.size,
      iterations,
      accuracy: first.epochs.at(-1)?.trainAccuracy ?? NaN,
    };
  }, { ...TASK, most: MOST_ITERATIONS });
}

async function prepareTfjs(page: Page) {
  return page.evaluate(async () => {
    const tfjs = (await import('/bench/tfjs.js' as string)) as typeof import('./page/tfjs.ts');
    const contest = window as unknown as Contest;
    const backend = await tfjs.start();
    if (backend.backend !== 'wasm') throw new Error(`TF.js runs on ${backend.backend}`);
    const train = tfjs.headTraining(contest.task);
    contest.tfjs = async () => (await train()).ms;
    const { accuracy } = await train();
    return { ...backend, accuracy, isolated: crossOriginIsolated };
  });
}
