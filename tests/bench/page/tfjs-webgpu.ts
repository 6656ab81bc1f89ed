/** MobileNetV2 on TF.js's WebGPU backend, inside the page. */

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import { mobilenet } from './mobilenet.ts';
import type { Start } from './peer.ts';

/** Starts the backend and uploads the weights. */
export const start: Start = async (weights, side) => {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TF.js has no WebGPU backend here');
  await tf.ready();
  const network = mobilenet(weights);
  return {
    channelsFirst: false,
    async embed(images, count) {
      const input = tf.tensor4d(images, [count, side, side, 3]);
      const output = network(input);
      const embeddings = (await output.data()) as Float32Array;
      tf.dispose([input, output]);
      return embeddings;
    },
  };
};
