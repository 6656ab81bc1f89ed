"""What torchvision's and timm's own models give after every stage. usage: make.py (pip: torch torchvision timm safetensors)

Weights and image come from one formula (`formula` below and in crate/core/tests/golden_backbones.rs), so that only
outputs need to be kept.
"""

import json
import sys
from pathlib import Path

import numpy
import timm
import torch
import torchvision
from safetensors.numpy import save_file

HERE = Path(__file__).parent
SAMPLES = 16


def hashed(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def formula(name, count):
    """`count` numbers from -1 to 1: the name's FNV-1a hash plus the index, through SplitMix64."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(hashed(name)) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    return (z >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1


def values(name, shape):
    unit = formula(name, int(numpy.prod(shape)))
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        unit = 1 + unit / 4
    elif name.endswith("weight"):
        unit = unit * numpy.sqrt(3 / numpy.prod(shape[1:]))
    else:
        unit = unit / 10
    return torch.from_numpy(unit.astype(numpy.float32).reshape(shape))


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = values(name, tuple(tensor.shape))
    model.load_state_dict(state)
    return model.eval()


def chain(*layers):
    return torch.nn.Sequential(*layers)


def stages_torchvision(name, model):
    if name.startswith("resnet"):
        groups = [model.layer1, model.layer2, model.layer3, model.layer4]
        return [chain(model.conv1, model.bn1, model.relu), model.maxpool] + [b for g in groups for b in g]
    if name.startswith("mobilenet"):
        return list(model.features)
    if name.startswith("efficientnet"):
        return [model.features[0]] + [b for g in list(model.features)[1:-1] for b in g] + [model.features[-1]]
    stages, layers = [], []
    for layer in model.features:
        # A stage is a convolution with its norm and ReLU, a pooling or a fire module.
        if layers and isinstance(layer, (torch.nn.Conv2d, torch.nn.MaxPool2d, torchvision.models.squeezenet.Fire)):
            stages.append(chain(*layers))
            layers = []
        layers.append(layer)
    return stages + [chain(*layers)]


def stages_timm(name, model):
    if name.startswith("resnet"):
        return stages_torchvision(name, timm_resnet(model))
    blocks = [b for g in model.blocks for b in g]
    stages = [chain(model.conv_stem, model.bn1)] + blocks
    if hasattr(model, "bn2") and isinstance(model.conv_head, torch.nn.Conv2d) and "mobilenetv1" not in name:
        stages.append(chain(model.conv_head, model.bn2))
    return stages


def timm_resnet(model):
    model.relu = model.act1
    return model


TORCHVISION = (
    "mobilenet_v2 mobilenet_v3_small mobilenet_v3_large "
    "efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 "
    "efficientnet_b7 resnet18 resnet34 resnet50 resnet101 resnet152 vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn "
    "vgg19_bn alexnet squeezenet1_1"
).split()
TIMM = (
    "mobilenetv1_100 mobilenetv1_125 mobilenetv2_035 mobilenetv2_050 mobilenetv2_075 mobilenetv2_100 mobilenetv2_140 "
    "mobilenetv3_small_100 mobilenetv3_large_100 tf_mobilenetv3_small_100 tf_mobilenetv3_large_100 "
    "tf_efficientnet_lite0 tf_efficientnet_lite1 tf_efficientnet_lite2 tf_efficientnet_lite3 tf_efficientnet_lite4 "
    "efficientnet_lite0 efficientnet_b0 tf_efficientnet_b0 tf_efficientnet_b3 resnet50"
).split()


def case(library, name):
    if library == "torchvision":
        model = fill(torchvision.models.get_model(name, weights=None))
        stages = stages_torchvision(name, model)
    else:
        model = fill(timm.create_model(name, pretrained=False))
        stages = stages_timm(name, model)
    side = 75 if "tf_" in name else 64
    maps = torch.from_numpy(formula("image", 3 * side * side).astype(numpy.float32).reshape(1, 3, side, side)) * 2
    rows = []
    with torch.no_grad():
        for stage in stages:
            maps = stage(maps)
            flat = maps.flatten().numpy()
            at = numpy.arange(SAMPLES) * len(flat) // SAMPLES
            rows.append(numpy.concatenate([[numpy.abs(flat).max(), numpy.abs(flat, dtype=numpy.float64).mean()], flat[at]]))
        pooled = maps.mean(dim=(2, 3)).flatten().numpy()
        whole = model.forward_features(maps_of(side)) if library == "timm" else model.features(maps_of(side)) if hasattr(model, "features") else maps
        assert torch.allclose(whole, maps, rtol=1e-4, atol=1e-4), name
    return numpy.stack(rows).astype(numpy.float32), pooled


def maps_of(side):
    return torch.from_numpy(formula("image", 3 * side * side).astype(numpy.float32).reshape(1, 3, side, side)) * 2


def main():
    tensors = {}
    for library, names in [("torchvision", TORCHVISION), ("timm", TIMM)]:
        for name in names:
            rows, pooled = case(library, name)
            tensors[f"{library}/{name}.stages"] = rows
            tensors[f"{library}/{name}.embedding"] = pooled
            print(library, name, rows.shape, rows[-1][:2], file=sys.stderr)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "timm": timm.__version__}
    save_file(tensors, HERE / "expected.safetensors", metadata=versions)
    print(json.dumps(versions))


main()
