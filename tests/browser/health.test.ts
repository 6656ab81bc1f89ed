/** Groups and data health through the package: real photos with things wrong that were put there on purpose. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('what is wrong with photos is found, each with its examples and what to do', async () => {
  const page = await site.page();
  const { wrong, health } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    const classes = byLabel(await photos('train', 14));
    const [birds, coins, flowers] = ['bird', 'coin', 'flower'].map((label) => classes.get(label) as File[]) as [File[], File[], File[]];
    const add = async (label: string, files: Blob[]) => (await tuner.addExamples(label, files)).added.map(({ id }) => id);

    const [bird] = await add('bird', birds.filter((_, index) => index !== 5));
    const [coin] = await add('coin', coins);
    await add('flower', flowers);
    /** A version of a photo at another size, compressed again. */
    const smaller = async (file: File, scale: number) => {
      const bitmap = await createImageBitmap(file);
      const canvas = new OffscreenCanvas(bitmap.width * scale, bitmap.height * scale);
      canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.7 });
    };
    const even = new OffscreenCanvas(200, 200);
    even.getContext('2d')?.fillRect(0, 0, 200, 200);
    const wrong = {
      duplicates: [coin, ...(await add('coin', [coins[0] as File]))],
      nearDuplicatesAcrossClasses: [bird, ...(await add('coin', [await smaller(birds[0] as File, 0.8)]))],
      mislabelled: await add('flower', [birds[5] as File]),
      blank: await add('flower', [await even.convertToBlob()]),
    };
    const health = await tuner.health();
    await tuner.dispose();
    return { wrong, health };
  });
  for (const [kind, examples] of Object.entries(wrong)) {
    const finding = health.findings.find((finding) => finding.kind === kind);
    assert.ok(finding, `${kind} was not found among ${health.findings.map(({ kind }) => kind)}`);
    for (const example of examples) assert.ok(finding.examples.includes(example as number), `${kind} ${JSON.stringify(finding)}`);
    assert.ok(finding.message.length > 10 && finding.advice.length > 5, kind);
  }
  assert.equal(health.learningCurve.length, 3);
  const [quarter, , all] = health.learningCurve;
  assert.ok((quarter?.examples ?? Infinity) < (all?.examples ?? 0) && (all?.accuracy ?? 0) > 0.8, JSON.stringify(health.learningCurve));
});

test('a group and near-duplicates are learnt from or held out as a whole, and no view is computed in vain', async () => {
  const page = await site.page();
  const { report, again } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1, inputSize: 96 });
    const classes = byLabel(await photos('train', 10));
    // All of one burst: none of them may judge the others.
    await tuner.addExamples('bird', classes.get('bird') ?? [], { group: 'burst' });
    // The same photo ten times.
    await tuner.addExamples('coin', Array.from({ length: 10 }, () => classes.get('coin')?.[0] as File));
    await tuner.addExamples('flower', classes.get('flower') ?? []);
    const report = await tuner.train({ epochs: 5, views: 2 }).report;
    const again = await tuner.train({ epochs: 5, views: 2 }).report;
    await tuner.dispose();
    return { report, again };
  });
  assert.deepEqual([report.trainExamples, report.validationExamples], [28, 2]);
  const support = report.validation?.perClass.map(({ label, support }) => `${label} ${support}`);
  assert.deepEqual(support, ['bird 0', 'coin 0', 'flower 2']);
  assert.equal(again.timings.embeddedViews, 0);
});

test('a checkup can be given up, and calls go on beside it', async () => {
  const page = await site.page();
  const name = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1, inputSize: 96 });
    for (const [label, files] of byLabel(await photos('train', 6))) await tuner.addExamples(label, files);
    const controller = new AbortController();
    const health = tuner.health({ signal: controller.signal }).then(
      () => 'done',
      (error: Error) => error.name,
    );
    await tuner.examples();
    controller.abort();
    const name = await health;
    await tuner.health();
    await tuner.dispose();
    return name;
  });
  assert.equal(name, 'AbortError');
});
