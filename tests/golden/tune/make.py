"""Golden values of fine-tuning: 20 steps of PyTorch on a small network, and its one-cycle schedule.

python3 -m venv venv && venv/bin/pip install torch safetensors && venv/bin/python make.py
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
STEPS = 20
DECAY = 0.01
CLIP = 1.0


def layer(inputs, outputs, kernel, stride=1, groups=1, relu6=True):
    parts = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), norm=nn.BatchNorm2d(outputs)
    )
    if relu6:
        parts["relu6"] = nn.ReLU6()
    return nn.Sequential(parts)


class Network(nn.Module):
    """The stages of `backbone/sample.rs`'s `small`, and a linear head."""

    def __init__(self):
        super().__init__()
        self.stem = layer(3, 8, 3, stride=2)
        self.narrow_depthwise = layer(8, 8, 3, groups=8)
        self.narrow_project = layer(8, 8, 1, relu6=False)
        self.wide_expand = layer(8, 24, 1)
        self.wide_depthwise = layer(24, 24, 3, stride=2, groups=24)
        self.wide_project = layer(24, 12, 1, relu6=False)
        self.last = layer(12, 16, 1)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.narrow_project(self.narrow_depthwise(x))
        x = self.wide_project(self.wide_depthwise(self.wide_expand(x)))
        return self.head(self.last(x).mean((2, 3)))


def tensors(network):
    named = {n: t.detach().clone() for n, t in network.state_dict().items() if "num_batches" not in n}
    named["output.weight"] = named.pop("head.weight").t().contiguous()
    named["output.bias"] = named.pop("head.bias")
    return named


def fresh():
    torch.manual_seed(4)
    network = Network()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.3, 0.3)
            nn.init.uniform_(part.running_mean, -0.3, 0.3)
            nn.init.uniform_(part.running_var, 0.1, 0.5)
    return network.eval()  # statistics stay; everything else learns


def train(images, classes, make):
    network = fresh()
    groups = [
        {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": DECAY},
        {"params": [p for p in network.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer, losses = make(groups), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), classes, label_smoothing=0.1)
        losses.append(loss.item())
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
    return tensors(network), losses


def one_cycle(steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, cycle_momentum=False)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def main():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    images, classes = torch.randn(12, 3, 16, 16), torch.arange(12) % 3
    save_file({**tensors(fresh()), "images": images}, HERE / "start.safetensors")
    losses = {}
    for name, make in {
        "sgd": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
        "adam": lambda groups: torch.optim.Adam(groups, lr=0.005),
        "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.005),
    }.items():
        after, losses[name] = train(images, classes, make)
        save_file(after, HERE / f"{name}.safetensors")
    (HERE / "losses.json").write_text(json.dumps(losses, indent=1) + "\n")
    (HERE / "schedule.json").write_text(json.dumps({"one_cycle": one_cycle(20)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
