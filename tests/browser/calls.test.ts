/** Calls that cannot be answered: each is an error with a code that says what to do, and nothing is lost. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Outcome } from './page/outcome.ts';
import { openSite } from './site.ts';

type Tuner = import('rekindle').Tuner;
type Failure = Outcome & { ok: false };

/** What the page holds: a trained tuner and a photo it knows. */
interface Held {
  tuner: Tuner;
  photo: File;
}

const site = await openSite();
after(() => site.close());
let page: Page;

before(async () => {
  page = await site.page();
  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1, inputSize: 96 });
    for (const [label, files] of byLabel(await photos('train', 3))) await tuner.addExamples(label, files);
    await tuner.train({ epochs: 5, views: 1 }).report;
    const photo = (await photos('test', 1))[0]?.file as File;
    Object.assign(window, { tuner, photo } satisfies Held);
  });
});

/** Makes the call in the page and checks that it fails with this code, and that the tuner is as it was. */
async function fails(code: string, call: string, given: unknown = null): Promise<Failure> {
  const { how, before, after } = await page.evaluate(
    async ({ call, given }) => {
      const { outcome } = await import('page/outcome.js');
      const { tuner, photo } = window as unknown as Held;
      const calls = {
        train: () => tuner.train(given as object).report,
        evaluate: () => tuner.evaluate([{ image: photo, label: given as string }]),
        addExamples: () => tuner.addExamples(given as string, [photo]),
        removeClass: () => tuner.removeClass(given as string),
        renameClass: () => tuner.renameClass(given as string, 'other'),
        renameBirdTo: () => tuner.renameClass('bird', given as string),
        removeExamples: () => tuner.removeExamples(given as number[]),
        relabelExamples: () => tuner.relabelExamples(given as number[], 'bird'),
      };
      const state = async () => ({ prediction: await tuner.predict(photo), examples: await tuner.examples(), classes: tuner.classes });
      const before = await state();
      const how = await outcome(calls[call as keyof typeof calls]);
      return { how, before, after: await state() };
    },
    { call, given },
  );
  assert.ok(!how.ok, `${call} of ${JSON.stringify(given)} was accepted`);
  assert.equal(how.name, 'RekindleError');
  assert.equal(how.code, code, how.message);
  assert.deepEqual(after, before, 'head, examples or classes are not the same');
  return how;
}

describe('training options', () => {
  const WRONG: [string, unknown[]][] = [
    ['epochs', [0, -1, 1.5, 10_001, '50', null, Number.NaN]],
    ['views', [0, 101, 2.5]],
    ['batchSize', [0, 4097]],
    ['learningRate', [0, -0.1, 1.1, Number.POSITIVE_INFINITY]],
    ['weightDecay', [-1, 11]],
    ['labelSmoothing', [-0.1, 1]],
    ['dropout', [-0.1, 1]],
    ['hidden', [-1, 4097, 0.5]],
    ['validation', [-0.1, 0.6]],
    ['patience', [-1, 10_001]],
    ['classWeights', ['balance', 1]],
    ['strategy', ['all']],
    ['solver', ['newton', 0]],
    ['augment.flip', [-0.1, 1.1]],
    ['augment.rotation', [-1, 181]],
    ['augment.area', [[0, 1], [0.5, 1.5], [0.8, 0.2], [0.5], 0.5]],
    ['augment.ratio', [[0.1, 1], [1, 5], [2, 1]]],
    ['augment.brightness', [1.1]],
    ['augment.contrast', [-0.1]],
    ['augment.saturation', [2]],
    ['augment.hue', [0.6]],
    ['augment.erasing', [1.5]],
    // Misspelt names.
    ['epoch', [50]],
    ['learning_rate', [0.01]],
    ['augment.flips', [0.5]],
  ];

  for (const [option, values] of WRONG) {
    for (const value of values) {
      test(`${option}: ${typeof value === 'number' ? value : JSON.stringify(value)} is named with its range`, async () => {
        const [outer = '', inner] = option.split('.');
        const how = await fails('OPTION_INVALID', 'train', inner === undefined ? { [outer]: value } : { [outer]: { [inner]: value } });
        const details = how.details as { option?: string; expected?: string };
        assert.equal(details.option, option);
        assert.ok(details.expected, 'what is expected');
        assert.ok(how.message.includes(inner ?? outer), how.message);
      });
    }
  }
});

describe('options of create', () => {
  const WRONG: [string, unknown][] = [
    ['backbone', 'mobilenet'],
    ['device', 'gpu'],
    ['seed', -1],
    ['seed', 4_294_967_296],
    ['seed', 1.5],
    ['inputSize', 100],
    ['inputSize', 0],
    ['inputSize', 544],
    ['inputsize', 96],
  ];
  for (const [option, value] of WRONG) {
    test(`${option}: ${JSON.stringify(value)}`, async () => {
      const how = await page.evaluate(
        async ({ option, value }) => {
          const { Tuner } = await import('rekindle');
          const { outcome } = await import('page/outcome.js');
          return outcome(() => Tuner.create({ device: 'cpu', [option]: value }));
        },
        { option, value },
      );
      assert.ok(!how.ok, 'it was accepted');
      assert.equal(how.code, 'OPTION_INVALID', how.message);
      assert.equal((how.details as { option: string }).option, option);
    });
  }
});

describe('labels and examples', () => {
  test('an empty label', async () => {
    await fails('OPTION_INVALID', 'addExamples', '');
    await fails('OPTION_INVALID', 'addExamples', '  ');
    await fails('OPTION_INVALID', 'renameBirdTo', '');
  });

  test('a name that another class has', async () => {
    await fails('OPTION_INVALID', 'renameBirdTo', 'coin');
  });

  test('a label that no class has', async () => {
    for (const call of ['evaluate', 'removeClass', 'renameClass']) {
      const how = await fails('LABEL_UNKNOWN', call, 'zebra');
      assert.match(how.message, /zebra/);
      assert.match(how.message, /bird/, 'the classes that exist are named');
    }
  });

  test('an example that does not exist', async () => {
    await fails('OPTION_INVALID', 'removeExamples', [123_456]);
    await fails('OPTION_INVALID', 'relabelExamples', [123_456]);
  });
});

describe('too little to train on', () => {
  test('no class, one class, and one class left', async () => {
    const { none, one, empty, left, works } = await page.evaluate(async () => {
      const { Tuner } = await import('rekindle');
      const { outcome } = await import('page/outcome.js');
      const { byLabel, photos } = await import('page/photos.js');
      const classes = byLabel(await photos('train', 2));
      const tuner = await Tuner.create({ device: 'cpu', inputSize: 96 });
      const train = () => outcome(() => tuner.train({ epochs: 2, views: 1 }).report);
      const none = await train();
      await tuner.addExamples('bird', classes.get('bird') ?? []);
      const one = await train();
      // A class without images is no class to learn.
      await tuner.addExamples('coin', []);
      const empty = await train();
      const { added } = await tuner.addExamples('coin', classes.get('coin') ?? []);
      await tuner.removeExamples(added.map(({ id }) => id));
      const left = await train();
      await tuner.addExamples('coin', classes.get('coin') ?? []);
      const works = await train();
      await tuner.dispose();
      return { none, one, empty, left, works };
    });
    for (const [name, how] of Object.entries({ none, one, empty, left })) {
      assert.ok(!how.ok, `${name}: it was trained`);
      assert.equal(how.code, 'TOO_FEW_EXAMPLES', `${name}: ${how.message}`);
    }
    assert.ok(works.ok, 'with two classes it works');
  });

  test('predicting, evaluating and saving before a training', async () => {
    const outcomes = await page.evaluate(async () => {
      const { Tuner } = await import('rekindle');
      const { outcome } = await import('page/outcome.js');
      const { photo } = window as unknown as Held;
      const tuner = await Tuner.create({ device: 'cpu', inputSize: 96 });
      await tuner.addExamples('bird', [photo]);
      const outcomes = [
        await outcome(() => tuner.predict(photo)),
        await outcome(() => tuner.evaluate([{ image: photo, label: 'bird' }])),
        await outcome(() => tuner.save()),
        await outcome(() => tuner.export('onnx')),
      ];
      await tuner.dispose();
      return outcomes;
    });
    assert.deepEqual(outcomes.map((how) => !how.ok && how.code), Array(4).fill('NOT_TRAINED'));
  });
});

test('a second training at once is refused and the first goes on', async () => {
  const { first, second } = await page.evaluate(async () => {
    const { outcome } = await import('page/outcome.js');
    const { tuner } = window as unknown as Held;
    const running = tuner.train({ solver: 'adamw', epochs: 30, views: 2, patience: 0 });
    const second = await outcome(() => tuner.train({ epochs: 5, views: 1 }).report);
    return { first: (await running.report).epochs.length, second };
  });
  assert.equal(first, 30);
  assert.ok(!second.ok, 'two trainings ran at once');
  assert.equal(second.name, 'RekindleError');
  assert.equal(second.code, 'OPTION_INVALID', second.message);
  assert.match(second.message, /train/);
});

test('a project file that is damaged', async () => {
  const outcomes = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { altered, cut, png } = await import('page/files.js');
    const { outcome } = await import('page/outcome.js');
    const { tuner, photo } = window as unknown as Held;
    const saved = await tuner.save();
    const files: Record<string, Blob> = {
      'cut off': await cut(saved, 0.7),
      'cut off at its end': await cut(saved, 0.999),
      empty: new Blob([]),
      'an image': await png(4, 4, [0, 0, 0, 255]),
      'other bytes': new Blob([new Uint8Array(5000).fill(7)]),
    };
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      files[`another byte at ${part}`] = await altered(saved, Math.floor(saved.size * part));
    }
    const outcomes: Record<string, Outcome> = {};
    for (const [name, file] of Object.entries({ ...files, whole: saved })) {
      outcomes[name] = await outcome(async () => {
        const opened = await Tuner.open(file, { device: 'cpu', inputSize: 96 });
        const { label } = await opened.predict(photo);
        await opened.dispose();
        return label;
      });
    }
    return outcomes;
  });
  const { whole, ...damaged } = outcomes;
  assert.ok(whole?.ok, 'the file that was damaged does not open when it is whole');
  const codes = Object.fromEntries(Object.entries(damaged).map(([name, how]) => [name, how.ok ? 'opened' : how.code]));
  assert.deepEqual(codes, Object.fromEntries(Object.keys(damaged).map((name) => [name, 'PROJECT_FORMAT'])));
});

test('every call after dispose, and a call that dispose interrupts', async () => {
  const { outcomes, interrupted, twice } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { failure, outcome } = await import('page/outcome.js');
    const { byLabel, photos } = await import('page/photos.js');
    const { photo } = window as unknown as Held;
    const tuner = await Tuner.create({ device: 'cpu', inputSize: 96 });
    for (const [label, files] of byLabel(await photos('train', 3))) await tuner.addExamples(label, files);
    const running = tuner.train({ solver: 'adamw', epochs: 10_000, patience: 0 }).report.then(() => null, failure);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await tuner.dispose();
    const interrupted = await running;
    const twice = await outcome(() => tuner.dispose());
    const outcomes = {
      addExamples: await outcome(() => tuner.addExamples('bird', [photo])),
      train: await outcome(() => tuner.train().report),
      predict: await outcome(() => tuner.predict(photo)),
      embed: await outcome(() => tuner.embed(photo)),
      evaluate: await outcome(() => tuner.evaluate([{ image: photo, label: 'bird' }])),
      save: await outcome(() => tuner.save()),
      removeClass: await outcome(() => tuner.removeClass('bird')),
    };
    return { outcomes, interrupted, twice };
  });
  for (const [call, how] of Object.entries(outcomes)) assert.equal(!how.ok && how.code, 'DISPOSED', call);
  assert.equal(interrupted?.code, 'DISPOSED');
  assert.ok(twice.ok, 'disposing twice does no harm');
});
