/** Cancelling: prompt, with the standard error, and what was there stays as it was. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const PROMPT_MS = 100;

const site = await openSite();
after(() => site.close());

/** Trains, then aborts a second training as soon as its events say `when`, and says what that did. */
async function cancelled(when: 'prepare' | 'epoch') {
  const page = await site.page();
  return page.evaluate(async (when) => {
    const { Tuner } = await import('rekindle');
    const { failure, outcome } = await import('page/outcome.js');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    for (const [label, files] of byLabel(await photos('train', 4))) await tuner.addExamples(label, files);
    const image = (await photos('test', 1))[0]?.file as File;
    await tuner.train({ views: 1, epochs: 5 }).report;
    const before = await tuner.predict(image);

    const controller = new AbortController();
    const run = tuner.train({ solver: 'adamw', views: 8, epochs: 10_000, patience: 0, signal: controller.signal });
    let abortedAt = NaN;
    const report = run.report.then(() => null, failure).then((how) => ({ how, tookMs: performance.now() - abortedAt }));
    let last = 'none';
    const events = await outcome(async () => {
      for await (const event of run) {
        last = event.type;
        const now = event.type === 'epoch' ? when === 'epoch' && event.epoch >= 3 : event.type === when;
        if (!now || controller.signal.aborted) continue;
        abortedAt = performance.now();
        controller.abort();
      }
    });
    const { how, tookMs } = await report;

    const after = await tuner.predict(image);
    const again = await tuner.train({ views: 1, epochs: 5 }).report;
    const examples = tuner.classes.reduce((sum, { count }) => sum + count, 0);
    await tuner.dispose();
    return { how, tookMs, events, last, before, after, epochs: again.epochs.length, examples };
  }, when);
}

for (const when of ['prepare', 'epoch'] as const) {
  test(`a training that is aborted at an event of type ${when} ends within ${PROMPT_MS} ms`, async (t) => {
    const { how, tookMs, events, last, before, after, epochs, examples } = await cancelled(when);
    t.diagnostic(`rejected after ${tookMs.toFixed(1)} ms`);
    assert.equal(how?.name, 'AbortError');
    assert.equal(!events.ok && events.name, 'AbortError', 'the events end with the same error');
    assert.equal(last, when);
    assert.ok(tookMs <= PROMPT_MS, `it took ${tookMs} ms`);
    assert.deepEqual(after, before, 'the head that was there is not the same');
    assert.equal(examples, 24);
    assert.ok(epochs > 0);
  });
}

test('a signal that is aborted already starts nothing', async () => {
  const page = await site.page();
  const { create, train, works } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    const { byLabel, photos } = await import('page/photos.js');
    const create = await outcome(() => Tuner.create({ device: 'cpu', signal: AbortSignal.abort() }));
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    for (const [label, files] of byLabel(await photos('train', 2))) await tuner.addExamples(label, files);
    const train = await outcome(() => tuner.train({ signal: AbortSignal.abort() }).report);
    const works = (await tuner.train({ views: 1, epochs: 3 }).report).epochs.length;
    await tuner.dispose();
    return { create, train, works };
  });
  assert.ok(!create.ok && create.name === 'AbortError', JSON.stringify(create));
  assert.ok(!train.ok && train.name === 'AbortError', JSON.stringify(train));
  assert.equal(works, 3);
});

test('loading can be aborted', async () => {
  const page = await site.page();
  const how = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    const controller = new AbortController();
    return outcome(() =>
      Tuner.create({ device: 'cpu', signal: controller.signal, onProgress: () => controller.abort() }),
    );
  });
  assert.ok(!how.ok && how.name === 'AbortError', JSON.stringify(how));
});
