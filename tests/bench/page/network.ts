/** MobileNetV2 up to its embedding, from the very weights of the package, with the norms folded into the convolutions. */

import { readSafetensors, type NamedTensor } from './safetensors.ts';

/** Epsilon of torchvision's batch norms. */
const EPSILON = 1e-5;

/** Expansion, channels, blocks and first stride of each group of inverted residuals (Sandler et al. 2018, table 2). */
const GROUPS = [
  [1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1],
] as const;

/** A convolution with half its kernel as padding; depthwise where its kernels have one input. */
export interface Convolution {
  /** Outputs, inputs of a kernel, height, width. */
  shape: [number, number, number, number];
  weight: Float32Array;
  bias: Float32Array;
  stride: number;
  relu6: boolean;
}

/** Convolutions one after the other; where it skips, its input is added to the result. */
export interface Block {
  convolutions: Convolution[];
  skips: boolean;
}

/** The blocks; the mean over the image of what the last gives is the embedding. */
export function network(file: Uint8Array): Block[] {
  const tensors = readSafetensors(file);
  const alone = (name: string, stride: number): Block => ({
    convolutions: [folded(tensors, `${name}.0`, `${name}.1`, stride, true)],
    skips: false,
  });
  const blocks = [alone('features.0', 2)];
  let input = 32;
  for (const [expansion, output, count, first] of GROUPS) {
    for (let block = 0; block < count; block++) {
      const stride = block === 0 ? first : 1;
      const convolutions = inverted(tensors, `features.${blocks.length}.conv`, expansion, stride);
      blocks.push({ convolutions, skips: stride === 1 && input === output });
      input = output;
    }
  }
  return [...blocks, alone('features.18', 1)];
}

function inverted(tensors: Map<string, NamedTensor>, name: string, expansion: number, stride: number): Convolution[] {
  const at = expansion === 1 ? 0 : 1;
  return [
    ...(expansion === 1 ? [] : [folded(tensors, `${name}.0.0`, `${name}.0.1`, 1, true)]),
    folded(tensors, `${name}.${at}.0`, `${name}.${at}.1`, stride, true),
    folded(tensors, `${name}.${at + 1}`, `${name}.${at + 2}`, 1, false),
  ];
}

function folded(tensors: Map<string, NamedTensor>, name: string, norm: string, stride: number, relu6: boolean): Convolution {
  const { shape, values } = take(tensors, `${name}.weight`);
  const of = (part: string) => take(tensors, `${norm}.${part}`).values;
  const [scale, shift, mean, variance] = [of('weight'), of('bias'), of('running_mean'), of('running_var')];
  const factor = scale.map((value, at) => value / Math.sqrt((variance[at] ?? NaN) + EPSILON));
  const perOutput = values.length / factor.length;
  return {
    shape: shape as Convolution['shape'],
    weight: values.map((value, at) => value * (factor[Math.floor(at / perOutput)] ?? NaN)),
    bias: shift.map((value, at) => value - (mean[at] ?? NaN) * (factor[at] ?? NaN)),
    stride,
    relu6,
  };
}

function take(tensors: Map<string, NamedTensor>, name: string): NamedTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the weights have no tensor ${name}`);
  return tensor;
}
