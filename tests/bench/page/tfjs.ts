/** What TF.js does in the benchmarks, inside the page. */

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { mobilenet } from './mobilenet.ts';

/** What all head trainings share. */
export interface HeadTask {
  /** `labels.length` rows of `featureLength`. */
  features: Float32Array;
  featureLength: number;
  /** Class of each row. */
  labels: number[];
  classes: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
}

/** Starts the wasm backend; its name and whether it runs SIMD and threads. */
export async function start(): Promise<{ backend: string; simd: boolean; threads: boolean }> {
  setWasmPaths('/tfjs-wasm/');
  await tf.setBackend('wasm');
  await tf.ready();
  return {
    backend: tf.getBackend(),
    simd: (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) as boolean,
    threads: (await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT')) as boolean,
  };
}

/**
 * The training of a softmax layer by Adam, as TF.js's own examples of transfer learning do it; without dropout, weight
 * decay, smoothing or callbacks, which would only add to its time. The tensors are made once, before the rounds.
 */
export function headTraining(task: HeadTask): () => Promise<{ ms: number; accuracy: number }> {
  const x = tf.tensor2d(task.features, [task.labels.length, task.featureLength]);
  const y = tf.oneHot(tf.tensor1d(task.labels, 'int32'), task.classes).toFloat();
  return async () => {
    const model = sequential({
      layers: [layers.dense({ inputShape: [task.featureLength], units: task.classes, activation: 'softmax' })],
    });
    model.compile({ optimizer: tf.train.adam(task.learningRate), loss: 'categoricalCrossentropy' });
    const start = performance.now();
    await model.fit(x, y, { epochs: task.epochs, batchSize: task.batchSize, shuffle: true, yieldEvery: 'never', verbose: 0 });
    const ms = performance.now() - start;
    const right = tf.tidy(() => (model.predict(x) as tf.Tensor).argMax(1).equal(y.argMax(1)).sum());
    const accuracy = ((await right.data())[0] ?? NaN) / task.labels.length;
    right.dispose();
    model.dispose();
    return { ms, accuracy };
  };
}

/** The backbone on images of `side` squared, each as normalised `[side, side, 3]`; the tensors are made before the rounds. */
export function embedding(weights: Uint8Array, images: Float32Array[], side: number): () => Promise<{ ms: number; embeddings: Float32Array[] }> {
  const network = mobilenet(weights);
  const inputs = images.map((image) => tf.tensor4d(image, [1, side, side, 3]));
  return async () => {
    const embeddings: Float32Array[] = [];
    const start = performance.now();
    for (const input of inputs) {
      const output = network(input);
      embeddings.push((await output.data()) as Float32Array);
      output.dispose();
    }
    return { ms: performance.now() - start, embeddings };
  };
}

/** Image files, and the class of each. */
export interface ShutterTask {
  files: Blob[];
  labels: number[];
  classes: number;
  epochs: number;
  batchSize: number;
}

/**
 * From image files to a trained head as TF.js's users do it, one view each: decoded by the browser, resized and cropped by
 * TF.js, embedded one after the other, then two dense layers trained by Adam. The backbone is loaded before the rounds.
 */
export function shutter(weights: Uint8Array, side: number, mean: number[], std: number[]): (task: ShutterTask) => Promise<{ ms: number; accuracy: number }> {
  const network = mobilenet(weights);
  return async ({ files, labels, classes, epochs, batchSize }) => {
    const start = performance.now();
    const rows: tf.Tensor[] = [];
    for (const file of files) {
      const bitmap = await createImageBitmap(file);
      const row = tf.tidy(() => network(tf.div(tf.sub(tf.div(crop(bitmap, side), 255), mean), std) as tf.Tensor4D));
      bitmap.close();
      // As an app must that shows its progress: the page stays alive between the images.
      await row.data();
      rows.push(row);
    }
    const x = tf.concat(rows);
    const y = tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat();
    const model = sequential({
      layers: [
        layers.dense({ inputShape: [x.shape[1] as number], units: 100, activation: 'relu' }),
        layers.dense({ units: classes, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.001), loss: 'categoricalCrossentropy' });
    await model.fit(x, y, { epochs, batchSize, shuffle: true, yieldEvery: 'never', verbose: 0 });
    const ms = performance.now() - start;
    const right = tf.tidy(() => (model.predict(x) as tf.Tensor).argMax(1).equal(y.argMax(1)).sum());
    const accuracy = ((await right.data())[0] ?? NaN) / labels.length;
    tf.dispose([...rows, x, y, right]);
    model.dispose();
    return { ms, accuracy };
  };
}

/** The middle of an image, `[1, side, side, 3]`, from 0 to 255. */
function crop(bitmap: ImageBitmap, side: number): tf.Tensor4D {
  const shorter = Math.min(bitmap.width, bitmap.height);
  const [height, width] = [bitmap.height, bitmap.width].map((length) => Math.round((length * side) / (0.875 * shorter))) as [number, number];
  const resized = tf.image.resizeBilinear(tf.browser.fromPixels(bitmap), [height, width]);
  return tf.expandDims(tf.slice(resized, [(height - side) >> 1, (width - side) >> 1, 0], [side, side, 3]));
}
