/** Adding to a trained project: only views that are new are computed. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('after adding, removing and relabelling only new views are computed', async () => {
  const page = await site.page();
  const steps = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const classes = byLabel(await photos('train', 6));
    const files = (label: string, from: number, to: number) => (classes.get(label) ?? []).slice(from, to);
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    const steps: Record<string, { prepared: number; announced: number; reported: number; labels: string[] }> = {};

    /** Trains and counts the views: by the events that arrived, as they announced them, and by the report. */
    const train = async (step: string, options: object = {}) => {
      const run = tuner.train({ views: 3, epochs: 3, validation: 0, ...options });
      let [prepared, announced] = [0, 0];
      for await (const event of run) {
        if (event.type === 'prepare') [prepared, announced] = [event.doneViews, event.totalViews];
      }
      const { timings } = await run.report;
      const labels = (await tuner.predict(files('bird', 0, 1)[0] as File)).scores.map(({ label }) => label).sort();
      steps[step] = { prepared, announced, reported: timings.embeddedViews, labels };
    };

    const birds = await tuner.addExamples('bird', files('bird', 0, 4));
    const coins = await tuner.addExamples('coin', files('coin', 0, 4));
    await train('first');
    await train('again');
    await tuner.addExamples('coin', files('coin', 4, 6));
    await train('two more');
    await tuner.addExamples('fruit', files('fruit', 0, 3));
    await train('a new class');
    await tuner.removeExamples(birds.added[0]?.id as number);
    await train('one removed');
    await tuner.relabelExamples(coins.added[0]?.id as number, 'fruit');
    await train('one relabelled');
    await tuner.removeClass('fruit');
    await train('a class removed');
    await tuner.renameClass('coin', 'money');
    await train('a class renamed');
    await train('one view more', { views: 4 });
    await train('another range', { views: 4, augment: { flip: 0 } });
    const classesNow = tuner.classes;
    await tuner.dispose();
    return { steps, classesNow };
  });

  const views = Object.fromEntries(Object.entries(steps.steps).map(([step, { prepared }]) => [step, prepared]));
  assert.deepEqual(views, {
    first: 24,
    again: 0,
    'two more': 6,
    'a new class': 9,
    'one removed': 0,
    'one relabelled': 0,
    'a class removed': 0,
    'a class renamed': 0,
    // Three birds and five coins are left.
    'one view more': 8,
    // The plain view does not depend on the ranges.
    'another range': 24,
  });
  for (const [step, { prepared, announced, reported }] of Object.entries(steps.steps)) {
    assert.equal(announced, prepared, step);
    assert.equal(reported, prepared, step);
  }
  assert.deepEqual(steps.steps['a new class']?.labels, ['bird', 'coin', 'fruit']);
  assert.deepEqual(steps.steps['another range']?.labels, ['bird', 'money']);
  assert.deepEqual(steps.classesNow, [{ label: 'bird', count: 3 }, { label: 'money', count: 5 }]);
});
