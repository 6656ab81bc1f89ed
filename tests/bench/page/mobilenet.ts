/** MobileNetV2's embedding in TF.js, by its fused convolutions. */

import * as tf from '@tensorflow/tfjs-core';
import { network, type Convolution } from './network.ts';

type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

/** Gives the embedding of `[batch, side, side, 3]` normalised pixels: `[batch, 1280]`. */
export function mobilenet(file: Uint8Array): (x: tf.Tensor4D) => tf.Tensor {
  const blocks = network(file).map(({ convolutions, skips }): Layer => {
    const layers = convolutions.map(convolution);
    const inside: Layer = (x) => layers.reduce((y, layer) => layer(y), x);
    return skips ? (x) => tf.add(x, inside(x)) : inside;
  });
  return (x) => tf.tidy(() => tf.mean(blocks.reduce((y, block) => block(y), x), [1, 2]));
}

function convolution({ shape, weight, bias, stride, relu6 }: Convolution): Layer {
  const depthwise = shape[1] === 1;
  const filter = tf.transpose(tf.tensor4d(weight, shape), depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]) as tf.Tensor4D;
  const offset = tf.tensor1d(bias);
  const run = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  return (x) =>
    run({
      x,
      filter,
      bias: offset,
      strides: [stride, stride],
      pad: shape[2] >> 1,
      dimRoundingMode: 'floor',
      activation: relu6 ? 'relu6' : 'linear',
    }) as tf.Tensor4D;
}
