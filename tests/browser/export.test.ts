/** A model trained on real photos, exported, and run without us: in onnxruntime, and on its backbone read back. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as ort from 'onnxruntime-web';
import type { TrainOptions } from 'rekindle';
import { apart, TOLERANCE } from './apart.ts';
import { openSite } from './site.ts';

const SIDE = 96;

const site = await openSite();
after(() => site.close());

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Trains on photos and exports; with the crops of test photos as the backbone sees them, and what is predicted of them. */
async function trainAndExport(options: TrainOptions) {
  const page = await site.page();
  const found = await page.evaluate(
    async ({ options, side }) => {
      const { Tuner } = await import('rekindle');
      const { byLabel, photos } = await import('page/photos.js');
      const tuner = await Tuner.create({ device: 'cpu', seed: 3, inputSize: side });
      for (const [label, files] of byLabel(await photos('train', 8))) await tuner.addExamples(label, files);
      const report = await tuner.train(options).report;
      const crops: number[] = [];
      const predictions = [];
      const embeddings: number[][] = [];
      for (const { file } of await photos('test', 2)) {
        const [crop] = await tuner.preview(file, { views: 1 });
        crops.push(...(crop?.data ?? []).filter((_, index) => index % 4 !== 3));
        predictions.push(await tuner.predict(file));
        embeddings.push([...(await tuner.embed(file))]);
      }
      const [onnx, safetensors] = [await tuner.export('onnx'), await tuner.export('safetensors')];
      await tuner.dispose();

      const again = await Tuner.create({ device: 'cpu', inputSize: side, backbone: safetensors });
      const readBack: number[][] = [];
      for (const { file } of await photos('test', 2)) readBack.push([...(await again.embed(file))]);
      const spec = again.spec;
      await again.dispose();
      // As text, which goes to the test a hundred times as fast as a list of numbers.
      const model = await new Promise<string>((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(String(reader.result).replace(/^.*,/, ''));
        reader.readAsDataURL(onnx);
      });
      return { model, crops, predictions, embeddings, readBack, spec, kept: report.tuning?.kept };
    },
    { options, side: SIDE },
  );
  await page.context().close();
  return { ...found, model: Buffer.from(found.model, 'base64') };
}

/** The largest difference. */
function difference(found: ArrayLike<number>, expected: number[]): number {
  assert.equal(found.length, expected.length);
  return Math.max(...expected.map((value, index) => Math.abs(value - (found[index] ?? NaN))));
}

const STRATEGIES: Record<string, TrainOptions> = {
  'a linear head': { views: 1 },
  'a hidden layer': { views: 1, hidden: 8, epochs: 5 },
  'nearest neighbours': { views: 1, solver: 'neighbours' },
  'fine-tuned stages': { views: 1, validation: 0, strategy: 'partial', batchSize: 16, tune: { epochs: 1 } },
};

for (const [name, options] of Object.entries(STRATEGIES)) {
  test(`${name}: onnxruntime predicts the same, and the backbone is read back`, async (t) => {
    const { model, crops, predictions, embeddings, readBack, spec, kept } = await trainAndExport(options);
    const session = await ort.InferenceSession.create(model);
    const image = new ort.Tensor('uint8', Uint8Array.from(crops), [predictions.length, SIDE, SIDE, 3]);
    const { probabilities, embedding } = await session.run({ image });
    await session.release();

    const labels = predictions[0]?.scores.map(({ label }) => label).sort() ?? [];
    assert.deepEqual(labels, ['bird', 'coin', 'flower', 'fruit', 'mammal', 'vegetable']);
    const classes = JSON.parse(metadata(model, 'rekindle.classes')) as string[];
    const scores = predictions.flatMap(({ scores }) =>
      classes.map((label) => scores.find((score) => score.label === label)?.probability ?? NaN),
    );
    const all = [...(embedding?.data as Float32Array)];
    const rows = embeddings.map(({ length }, at) => all.slice(at * length, (at + 1) * length));
    const errors = [difference(probabilities?.data as Float32Array, scores), apart(rows, embeddings), apart(readBack, embeddings)];
    t.diagnostic(`differences of probabilities, embedding, embedding read back: ${errors.map((error) => error.toExponential(0))}`);
    assert.ok(errors.every((error) => error < TOLERANCE), `${errors}`);
    assert.equal(errors[2], 0, 'the same weights give the same bits');
    assert.equal(spec.tag, kept === true ? 'tv_in1k.tuned' : 'tv_in1k');
    assert.equal(kept, options.strategy === 'partial' ? true : undefined);
  });
}

/** An entry of the file's metadata, which the runtime does not give: key, then the value's field and length, then the value. */
function metadata(bytes: Buffer, key: string): string {
  const at = bytes.lastIndexOf(key) + key.length;
  assert.equal(bytes[at], 0x12, `${key} is in the file`);
  const length = [1, 2, 3, 4, 5].reduce((sum, place) => sum + ((bytes[at + place] ?? 0) & 0x7f) * 128 ** (place - 1), 0);
  return bytes.toString('utf8', at + 6, at + 6 + length);
}
