/** A head of nearest neighbours: it predicts, explains, is saved and opened, follows images live, and is refused where it makes no sense. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('the nearest images decide, here and in a project that is opened, and a new one counts at once', async (t) => {
  const found = await (await site.page()).evaluate(async () => {
    const { RekindleError, Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 5, inputSize: 160 });
    for (const [label, files] of byLabel(await photos('train', 5))) await tuner.addExamples(label, files);
    const report = await tuner.train({ solver: 'neighbours', views: 1, validation: 0 }).report;
    const strange = await photos('test', 4);
    const images = strange.map(({ file }) => file);
    const predictions = await tuner.predict(images);
    const right = predictions.filter(({ label }, at) => label === strange[at]!.label).length;
    const { heat, width, height } = await tuner.explain(images[0]!);
    const opened = await Tuner.open(await tuner.save());
    const again = await opened.predict(images);
    const openedReport = opened.report;
    await opened.dispose();
    const refused = await tuner.train({ solver: 'neighbours', strategy: 'partial' }).report.catch((error: unknown) => error);
    const option = refused instanceof RekindleError ? [refused.code, refused.details['option']] : [];
    await tuner.setLive(true);
    await tuner.addExamples('new', [images[0]!]);
    const live = { label: (await tuner.predict(images[0]!)).label, neighbours: tuner.report?.neighbours };
    await tuner.dispose();
    const { timings, ...rest } = report;
    return { report: rest, predictions, again, openedReport, right, cells: heat.length / (width * height), warm: heat.some((v) => v > 0), option, live };
  });
  t.diagnostic(`${found.right} of ${found.predictions.length} right with ${found.report.neighbours} neighbours`);
  assert.ok(found.right >= 0.6 * found.predictions.length);
  assert.deepEqual(found.again, found.predictions);
  assert.deepEqual(found.openedReport, found.report);
  assert.ok([1, 3, 5].includes(found.report.neighbours ?? 0));
  assert.equal(found.report.crossValidation?.count, 30);
  assert.ok(found.cells === 1 && found.warm);
  assert.deepEqual(found.option, ['OPTION_INVALID', 'solver']);
  assert.equal(found.live.label, 'new');
  assert.ok([1, 3, 5].includes(found.live.neighbours ?? 0));
});
