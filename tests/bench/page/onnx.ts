/** The network as an ONNX model (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), for onnxruntime. */

import { network, type Convolution } from './network.ts';

/** A protobuf field: its number, and an integer, a text, bytes or the fields of a message. */
type Field = [number, number | string | Uint8Array | Field[]];

const OPSET = 13;
const [FLOAT, INTEGERS] = [1, 7];

/** A model that takes `images`, `[batch, 3, side, side]`, and gives `embedding`, `[batch, 1280, 1, 1]`. */
export function onnx(file: Uint8Array, side: number): Uint8Array {
  const graph: Field[] = [[2, 'mobilenet'], [5, numbers('zero', [], Float32Array.of(0))], [5, numbers('six', [], Float32Array.of(6))]];
  let last = 'images';
  let made = 0;
  const add = (operation: string, inputs: string[], attributes: Field[] = []) => {
    last = `value${made++}`;
    graph.push([1, [...inputs.map((name): Field => [1, name]), [2, last], [4, operation], ...attributes]]);
  };
  for (const { convolutions, skips } of network(file)) {
    const before = last;
    for (const layer of convolutions) {
      const [weight, bias] = [`weight${made}`, `bias${made}`];
      graph.push([5, numbers(weight, layer.shape, layer.weight)], [5, numbers(bias, [layer.bias.length], layer.bias)]);
      add('Conv', [last, weight, bias], attributes(layer));
      if (layer.relu6) add('Clip', [last, 'zero', 'six']);
    }
    if (skips) add('Add', [before, last]);
  }
  graph.push([1, [[1, last], [2, 'embedding'], [4, 'GlobalAveragePool']]]);
  graph.push([11, value('images', ['batch', 3, side, side])], [12, value('embedding', ['batch', 1280, 1, 1])]);
  return message([[1, 8], [7, graph], [8, [[1, ''], [2, OPSET]]]]);
}

function attributes({ shape: [outputs, inputs, kernel], stride }: Convolution): Field[] {
  const integers = (name: string, values: number[]): Field => [
    5,
    [[1, name], ...values.map((value): Field => [8, value]), [20, INTEGERS]],
  ];
  const padding = kernel >> 1;
  // `group` is a single integer: field 3, type 2.
  const group: Field = [5, [[1, 'group'], [3, inputs === 1 ? outputs : 1], [20, 2]]];
  return [integers('strides', [stride, stride]), integers('pads', [padding, padding, padding, padding]), group];
}

function numbers(name: string, shape: number[], values: Float32Array): Field[] {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return [...shape.map((size): Field => [1, size]), [2, FLOAT], [8, name], [9, bytes]];
}

function value(name: string, shape: (number | string)[]): Field[] {
  const sizes = shape.map((size): Field => [1, [typeof size === 'number' ? [1, size] : [2, size]]]);
  return [[1, name], [2, [[1, [[1, FLOAT], [2, sizes]]]]]];
}

/** Writes fields as protobuf does (https://protobuf.dev/programming-guides/encoding). */
function message(fields: Field[]): Uint8Array {
  const parts = fields.flatMap(([number, content]) => {
    if (typeof content === 'number') return [varint(number * 8), varint(content)];
    const bytes =
      typeof content === 'string' ? new TextEncoder().encode(content) : Array.isArray(content) ? message(content) : content;
    return [varint(number * 8 + 2), varint(bytes.length), bytes];
  });
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function varint(value: number): Uint8Array {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Uint8Array.from([...bytes, value]);
}
