/** MobileNetV2 on TF.js's WebGPU backend, inside the page. */

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import { mobilenet } from './mobilenet.ts';

/** Gives the embeddings of `count` normalised images of `[side, side, 3]`, one after the other. */
export type Embed = (images: Float32Array, count: number) => Promise<Float32Array>;

/** Starts the backend and uploads the weights. */
export async function start(weights: Uint8Array, side: number): Promise<Embed> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TF.js has no WebGPU backend here');
  await tf.ready();
  const network = mobilenet(weights);
  return async (images, count) => {
    const input = tf.tensor4d(images, [count, side, side, 3]);
    const output = network(input);
    const embeddings = (await output.data()) as Float32Array;
    tf.dispose([input, output]);
    return embeddings;
  };
}
