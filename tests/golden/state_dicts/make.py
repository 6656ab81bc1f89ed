"""Names and shapes of whole state dictionaries, as the code of torchvision and timm makes them. usage: make.py FOLDER, where the wheels of
torchvision and timm are unpacked (`pip download --no-deps torchvision timm`). Torch is not needed: `shapes_only.py` stands in for it."""

import importlib
import inspect
import math
import re
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import shapes_only  # noqa: E402, F401

import timm  # noqa: E402

# The module of each function, and the smallest of each family.
TORCHVISION = {
    "mobilenetv2": ["mobilenet_v2"],
    "mobilenetv3": ["mobilenet_v3_small"],
    "efficientnet": ["efficientnet_b0"],
    "resnet": ["resnet18", "resnet50"],
    "vgg": ["vgg11", "vgg11_bn"],
    "alexnet": ["alexnet"],
    "squeezenet": ["squeezenet1_1"],
}
TIMM = (
    "mobilenetv1_100 mobilenetv2_050 mobilenetv3_small_100 tf_mobilenetv3_small_100 efficientnet_lite0 tf_efficientnet_lite0 "
    "efficientnet_b0 tf_efficientnet_b0 resnet18 resnet50 vgg11 vgg11_bn"
).split()


def learnt(model):
    """How many numbers are learnt: running statistics are not."""
    state = model.state_dict().items()
    return sum(math.prod(shape) for name, shape in state if not name.endswith(("running_mean", "running_var", "num_batches_tracked")))


def main():
    models = {}
    for module, names in TORCHVISION.items():
        for name in names:
            found = importlib.import_module(f"torchvision.models.{module}")
            model = getattr(found, name)(weights=None)
            # What torchvision says of its weights, in the same module: the stand-in has left out no layer.
            stated = {int(number) for number in re.findall(r'"num_params": (\d+)', inspect.getsource(found))}
            assert learnt(model) in stated, (name, learnt(model))
            models[f"torchvision/{name}"] = model
    for name in TIMM:
        models[f"timm/{name}"] = timm.create_model(name, pretrained=False)
    lines = []
    for name, model in models.items():
        lines.append(f"# {name}")
        lines += [f"{tensor} {','.join(map(str, shape))}".rstrip() for tensor, shape in model.state_dict().items()]
    (Path(__file__).parent / "expected.txt").write_text("\n".join(lines) + "\n")


main()
