/** WebGPU, forced onto the software adapter: it must compute the same as the CPU. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { apart, TOLERANCE } from './apart.ts';
import { weightsFile } from './photos.ts';
import { openSite } from './site.ts';

const site = await openSite('software');
after(() => site.close());

/** A softmax of 1280 such features with head weights of about 0.1 moves by less than this. */
const PROBABILITY_TOLERANCE = 1e-2;

const LABELS = ['bird', 'coin'];

/** Trains on a few photos and gives what the device computed. */
async function session(device: 'cpu' | 'webgpu') {
  const page = await site.page();
  return page.evaluate(
    async ({ device, labels }) => {
      const { Tuner } = await import('rekindle');
      const { byLabel, photos } = await import('page/photos.js');
      const tuner = await Tuner.create({ device, seed: 3 });
      const train = byLabel(await photos('train', 4));
      for (const label of labels) await tuner.addExamples(label, train.get(label) ?? []);
      const report = await tuner.train({ views: 2, epochs: 20, validation: 0 }).report;
      const test = (await photos('test', 3)).filter(({ label }) => labels.includes(label));
      const embeddings = [];
      const predictions = [];
      for (const { file } of test) {
        embeddings.push([...(await tuner.embed(file))]);
        predictions.push(await tuner.predict(file));
      }
      const info = tuner.device;
      await tuner.dispose();
      return { info, report, embeddings, predictions };
    },
    { device, labels: LABELS },
  );
}

test('a training on forced WebGPU agrees with the CPU', async (t) => {
  const gpu = await session('webgpu');
  const cpu = await session('cpu');

  assert.equal(gpu.info.kind, 'webgpu');
  assert.equal(gpu.info.software, true);
  assert.equal(cpu.info.kind, 'cpu');

  const difference = apart(gpu.embeddings, cpu.embeddings);
  t.diagnostic(`largest difference, in parts of an embedding's length: ${difference.toExponential(2)}`);
  assert.ok(difference < TOLERANCE, `embeddings differ by ${difference}`);
  assert.ok(Math.max(...cpu.embeddings.flat()) > 0.1, 'the embeddings are all but zero');

  assert.deepEqual(
    gpu.predictions.map(({ label }) => label),
    cpu.predictions.map(({ label }) => label),
  );
  for (const [index, { label, probability }] of gpu.predictions.entries()) {
    const other = cpu.predictions[index]?.probability ?? NaN;
    assert.ok(Math.abs(probability - other) <= PROBABILITY_TOLERANCE, `${label}: ${probability} on WebGPU, ${other} on the CPU`);
  }
  const last = gpu.report.epochs.at(-1);
  assert.equal(last?.trainAccuracy, 1, 'eight photos of two classes are learnt');
});

for (const name of ['efficientnet_lite0', 'squeezenet1_1']) {
  test(`${name} on forced WebGPU agrees with the CPU`, async (t) => {
    site.server.file(`/${name}.safetensors`, () => weightsFile(`${name}.safetensors`));
    const page = await site.page();
    const [gpu, cpu] = await page.evaluate(async (name) => {
      const { Tuner } = await import('rekindle');
      const { photos } = await import('page/photos.js');
      const [photo] = await photos('test', 1);
      if (!photo) throw new Error('no photo');
      const embed = async (device: 'cpu' | 'webgpu') => {
        const tuner = await Tuner.create({ device, backbone: name, weights: `/${name}.safetensors`, inputSize: 96 });
        const embedding = [...(await tuner.embed(photo.file))];
        await tuner.dispose();
        return { embedding, kind: tuner.device.kind };
      };
      return [await embed('webgpu'), await embed('cpu')] as const;
    }, name);
    assert.deepEqual([gpu.kind, cpu.kind], ['webgpu', 'cpu']);
    const difference = apart([gpu.embedding], [cpu.embedding]);
    t.diagnostic(`difference, in parts of the embedding's length: ${difference.toExponential(2)}`);
    assert.ok(difference < TOLERANCE, String(difference));
    await page.context().close();
  });
}
