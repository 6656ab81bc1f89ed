"""Milliseconds of one PyTorch step on one thread: MobileNetV2's last two stages and a head. `tune_peer.py BATCH`."""

import sys
import time

import torch
import torchvision
from torch import nn


def main(batch):
    torch.set_num_threads(1)
    features = torchvision.models.mobilenet_v2().features
    network = nn.Sequential(features[17], features[18], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 2)).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    images, classes = torch.randn(batch, 160, 7, 7), torch.randint(0, 2, (batch,))
    times = []
    for _ in range(25):
        began = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), classes).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        times.append(1000 * (time.perf_counter() - began))
    print(sorted(times[5:])[10])


if __name__ == "__main__":
    main(int(sys.argv[1]))
