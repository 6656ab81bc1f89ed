#!/usr/bin/env python3
"""Makes the values that MobileNetV2 must give, with ONNX Runtime.

usage: make.py <mobilenet_v2-b0353104.pth> [photo ...]
needs: numpy pillow onnx onnxruntime safetensors

Photos are cut to 224x224 and kept as PNG files beside this script; then the crops that are there are run. Batch norms stay
operators of their own and ONNX Runtime's optimiser is off, so that nothing is folded as the library folds it.
"""
import collections
import pathlib
import pickle
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
SAMPLES = 1024


class Checkpoint(pickle.Unpickler):
    """Reads what torch.save wrote before version 1.6: pickles of the structure, then the raw numbers of every storage."""

    def __init__(self, file):
        super().__init__(file)
        self.kinds = {}

    def find_class(self, module, name):
        if name == 'OrderedDict':
            return collections.OrderedDict
        if name == '_rebuild_tensor_v2' or name == '_rebuild_tensor':
            return lambda storage, offset, size, *_: (storage, offset, size)
        if name in ('FloatStorage', 'LongStorage'):
            return np.float32 if name == 'FloatStorage' else np.int64
        raise pickle.UnpicklingError(f'{module}.{name} has no place in a checkpoint')

    def persistent_load(self, description):
        _, kind, key, *_ = description
        self.kinds[key] = kind
        return key

    @classmethod
    def read(cls, path):
        with open(path, 'rb') as file:
            for _ in range(3):  # magic number, protocol, sizes of the machine's types
                pickle.load(file)
            reader = cls(file)
            entries = reader.load()
            storages = {}
            for key in pickle.load(file):
                count = int(np.fromfile(file, np.int64, 1)[0])
                storages[key] = np.fromfile(file, reader.kinds[key], count)
        return {name: storages[key][offset:offset + int(np.prod(size))].reshape(size)
                for name, (key, offset, size) in entries.items()}


class Network:
    """An ONNX graph in the making; `value` is the name of the last result."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.stages = weights, [], {}, 0
        self.value = 'input'

    def add(self, operator, inputs=(), **attributes):
        names = []
        for item in inputs:
            array = self.weights[item] if isinstance(item, str) else np.array(item, np.float32)
            name = item if isinstance(item, str) else f'constant_{len(self.constants)}'
            self.constants[name] = numpy_helper.from_array(array, name)
            names.append(name)
        output = f'{operator}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(operator, [self.value, *names], [output], **attributes))
        self.value = output

    def layer(self, conv, norm, stride=1, depthwise=False, relu6=True):
        weight = self.weights[f'{conv}.weight']
        pad = weight.shape[-1] // 2
        self.add('Conv', [f'{conv}.weight'], strides=[stride, stride], pads=[pad] * 4,
                 group=weight.shape[0] if depthwise else 1)
        self.add('BatchNormalization', [f'{norm}.{part}' for part in ('weight', 'bias', 'running_mean', 'running_var')],
                 epsilon=1e-5)
        if relu6:
            self.add('Clip', [0.0, 6.0])

    def block(self, name, stride):
        before, expanded = self.value, f'{name}.3.weight' in self.weights
        if expanded:
            self.layer(f'{name}.0.0', f'{name}.0.1')
        at = 1 if expanded else 0
        self.layer(f'{name}.{at}.0', f'{name}.{at}.1', stride, depthwise=True)
        self.layer(f'{name}.{at + 1}', f'{name}.{at + 2}', relu6=False)
        first = self.weights[f'{name}.0.0.weight']
        if stride == 1 and expanded and first.shape[1] == self.weights[f'{name}.2.weight'].shape[0]:
            self.nodes.append(helper.make_node('Add', [self.value, before], [f'{name}.sum']))
            self.value = f'{name}.sum'

    def stage(self):
        self.nodes.append(helper.make_node('Identity', [self.value], [f'stage_{self.stages:02}']))
        self.stages += 1

    def output(self, name):
        self.nodes.append(helper.make_node('Identity', [self.value], [name]))


def mobilenet_v2(weights):
    net = Network(weights)
    net.layer('features.0.0', 'features.0.1', stride=2)
    net.stage()
    halving = {2, 4, 7, 14}  # the blocks whose depthwise convolution has stride 2
    for index in range(1, 18):
        net.block(f'features.{index}.conv', 2 if index in halving else 1)
        net.stage()
    net.layer('features.18.0', 'features.18.1')
    net.stage()
    net.add('GlobalAveragePool')
    net.add('Flatten')
    net.output('embedding')
    net.add('Gemm', ['classifier.1.weight', 'classifier.1.bias'], transB=1)
    net.output('logits')
    names = [f'stage_{i:02}' for i in range(net.stages)] + ['embedding', 'logits']
    graph = helper.make_graph(
        net.nodes, 'mobilenet_v2', [helper.make_tensor_value_info('input', TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names], list(net.constants.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8), names


def crop(photo):
    image = Image.open(photo).convert('RGB')
    scale = 256 / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = [(side - 224) // 2 for side in image.size]
    return image.crop((left, top, left + 224, top + 224))


def main():
    checkpoint, *photos = sys.argv[1:]
    for photo in map(pathlib.Path, photos):
        crop(photo).save(HERE / f'{photo.parent.name}_{photo.stem}.png')
    model, names = mobilenet_v2(Checkpoint.read(checkpoint))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    expected = {}
    for file in sorted(HERE.glob('*.png')):
        pixels = np.asarray(Image.open(file), np.float32) / 255
        image = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
        values = dict(zip(names, session.run(names, {'input': image.transpose(2, 0, 1)[None]})))
        for name in names[:-2]:
            flat = values[name].ravel()
            expected[f'{file.stem}.{name}'] = flat[np.arange(SAMPLES) * len(flat) // SAMPLES]
            expected[f'{file.stem}.{name}.mean_abs'] = np.abs(flat).mean(keepdims=True, dtype=np.float64).astype(np.float32)
        for name in names[-2:]:
            expected[f'{file.stem}.{name}'] = values[name][0]
        print(file.stem, 'top class', values['logits'][0].argmax(), 'logit', values['logits'][0].max())
    save_file(expected, HERE / 'expected.safetensors')


if __name__ == '__main__':
    main()
