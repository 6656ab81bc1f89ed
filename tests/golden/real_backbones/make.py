"""What timm's EfficientNet-Lite and torchvision's SqueezeNet give for three photos with the real weights.

usage: make.py CACHE (pip: torch torchvision timm safetensors pillow)

CACHE is the folder that `cargo xtask weights` prints. Checkpoints are read by PyTorch, not by Rekindle; the SqueezeNet is read from
the file that crate/xtask/src/squeezenet.py wrote.
"""

import pathlib
import re
import sys

import numpy
import timm
import torch
import torchvision
from PIL import Image
from safetensors.numpy import save_file
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
PHOTOS = ["fish_02", "mammal_03", "tool_06"]
LITES = {
    "efficientnet_lite0": "efficientnet-lite0-57934424.pth",
    "efficientnet_lite1": "efficientnet-lite1-77cc7160.pth",
    "efficientnet_lite2": "efficientnet-lite2-9656183e.pth",
}


def timm_name(name, groups):
    """timm's name of a tensor of `efficientnet_lite_pytorch`."""
    if match := re.match(r"_blocks\.(\d+)\.(\w+)\.(\w+)$", name):
        number, layer, tensor = int(match[1]), match[2], match[3]
        group = next(g for g, (first, count) in enumerate(groups) if first <= number < first + count)
        wide = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                "_project_conv": "conv_pwl", "_bn2": "bn3"}
        narrow = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
        return f"blocks.{group}.{number - groups[group][0]}.{(wide if group else narrow)[layer]}.{tensor}"
    layer, tensor = name.rsplit(".", 1)
    return {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2",
            "_fc": "classifier"}[layer] + "." + tensor


def lite(name, checkpoint):
    model = timm.create_model(f"tf_{name}")
    groups, first = [], 0
    for group in model.blocks:
        groups.append((first, len(group)))
        first += len(group)
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict({timm_name(key, groups): value for key, value in state.items()})
    return model.eval(), 127 / 255, 128 / 255


def squeezenet(file):
    model = torchvision.models.squeezenet1_1()
    model.load_state_dict(load_file(file))
    return model.eval(), numpy.array([123, 117, 104]) / 255, 1 / 255


def main():
    cache = pathlib.Path(sys.argv[1])
    models = {name: lite(name, cache / file) for name, file in LITES.items()}
    models["squeezenet1_1"] = squeezenet(cache / "squeezenet1_1.raw.safetensors")
    tensors = {}
    for name, (model, mean, std) in models.items():
        for photo in PHOTOS:
            image = Image.open(HERE.parent / "mobilenet_v2" / f"{photo}.png").convert("RGB")
            values = ((numpy.asarray(image) / 255 - mean) / std).astype(numpy.float32).transpose(2, 0, 1)[None]
            with torch.no_grad():
                maps = model.features(torch.from_numpy(values)) if name.startswith("squeeze") else model.forward_features(
                    torch.from_numpy(values)
                )
                logits = model(torch.from_numpy(values))[0].numpy()
            tensors[f"{name}.{photo}.embedding"] = maps.mean(dim=(2, 3))[0].numpy()
            tensors[f"{name}.{photo}.logits"] = logits
            print(name, photo, numpy.argsort(-logits)[:5])
    save_file(tensors, HERE / "expected.safetensors")


main()
