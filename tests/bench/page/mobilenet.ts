/** MobileNetV2's embedding in TF.js, from the very weights of the package, with the norms folded into the convolutions. */

import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors, type NamedTensor } from './safetensors.ts';

/** Epsilon of torchvision's batch norms. */
const EPSILON = 1e-5;

/** Expansion, channels, blocks and first stride of each group of inverted residuals (Sandler et al. 2018, table 2). */
const GROUPS = [
  [1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1],
] as const;

type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

/** Gives the embedding of `[batch, side, side, 3]` normalised pixels: `[batch, 1280]`. */
export function mobilenet(file: Uint8Array): (x: tf.Tensor4D) => tf.Tensor {
  const tensors = readSafetensors(file);
  const layers: Layer[] = [convolution(tensors, 'features.0.0', 'features.0.1', 2, true)];
  let input = 32;
  for (const [expansion, output, blocks, first] of GROUPS) {
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? first : 1;
      const inside = inverted(tensors, `features.${layers.length}.conv`, expansion, stride);
      const skips = stride === 1 && input === output;
      layers.push(skips ? (x) => tf.add(x, inside(x)) : inside);
      input = output;
    }
  }
  layers.push(convolution(tensors, 'features.18.0', 'features.18.1', 1, true));
  return (x) => tf.tidy(() => tf.mean(layers.reduce((y, layer) => layer(y), x), [1, 2]));
}

function inverted(tensors: Map<string, NamedTensor>, name: string, expansion: number, stride: number): Layer {
  const at = expansion === 1 ? 0 : 1;
  const steps = [
    ...(expansion === 1 ? [] : [convolution(tensors, `${name}.0.0`, `${name}.0.1`, 1, true)]),
    convolution(tensors, `${name}.${at}.0`, `${name}.${at}.1`, stride, true),
    convolution(tensors, `${name}.${at + 1}`, `${name}.${at + 2}`, 1, false),
  ];
  return (x) => steps.reduce((y, step) => step(y), x);
}

function convolution(tensors: Map<string, NamedTensor>, name: string, norm: string, stride: number, relu6: boolean): Layer {
  const { shape, values } = take(tensors, `${name}.weight`);
  const [outputs = 0, inputs = 0, height = 0, width = 0] = shape;
  const of = (part: string) => take(tensors, `${norm}.${part}`).values;
  const [scale, shift, mean, variance] = [of('weight'), of('bias'), of('running_mean'), of('running_var')];
  const factor = scale.map((value, at) => value / Math.sqrt((variance[at] ?? NaN) + EPSILON));
  const bias = tf.tensor1d(shift.map((value, at) => value - (mean[at] ?? NaN) * (factor[at] ?? NaN)));
  const perOutput = values.length / outputs;
  const folded = tf.tensor4d(
    values.map((value, at) => value * (factor[Math.floor(at / perOutput)] ?? NaN)),
    [outputs, inputs, height, width],
  );
  const depthwise = inputs === 1;
  const filter = tf.transpose(folded, depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]) as tf.Tensor4D;
  const run = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  return (x) =>
    run({
      x,
      filter,
      bias,
      strides: [stride, stride],
      pad: height >> 1,
      dimRoundingMode: 'floor',
      activation: relu6 ? 'relu6' : 'linear',
    }) as tf.Tensor4D;
}

function take(tensors: Map<string, NamedTensor>, name: string): NamedTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the weights have no tensor ${name}`);
  return tensor;
}
