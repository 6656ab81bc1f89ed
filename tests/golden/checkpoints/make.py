"""Small files as PyTorch writes them, good and bad. usage: make.py (pip: torch)"""

import collections
import os
import pickle
import zipfile
from pathlib import Path

import torch

HERE = Path(__file__).parent


def state(dtype=torch.float32):
    tensors = collections.OrderedDict()
    tensors["layer.weight"] = (torch.arange(12, dtype=torch.float32) / 4 - 1).reshape(3, 4).to(dtype)
    tensors["layer.bias"] = torch.tensor([0.5, -2.0, 8.0]).to(dtype)
    tensors["norm.num_batches_tracked"] = torch.tensor(7)
    # A part of a storage that begins later than the storage.
    tensors["norm.weight"] = torch.arange(8, dtype=torch.float32).to(dtype)[4:6]
    return tensors


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for name, value in state().items():
            if value.is_floating_point():
                self.register_parameter(name.replace(".", "_"), torch.nn.Parameter(value))


class Harmful:
    def __reduce__(self):
        return (os.system, ("echo this must never run",))


def main():
    torch.save(state(), HERE / "zip.pth")
    torch.save(state(), HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(state(torch.float16), HERE / "f16.pth")
    torch.save(state(torch.bfloat16), HERE / "bf16.pth")
    torch.save({"epoch": 3, "loss": 0.5, "best": None, "state_dict": state()}, HERE / "training.pth")
    wrapped = {f"module.{name}": torch.nn.Parameter(value, requires_grad=False) for name, value in state().items()}
    torch.save(wrapped, HERE / "wrapped.pth")
    turned = state()
    turned["layer.weight"] = turned["layer.weight"].t().contiguous().t()
    torch.save(turned, HERE / "transposed.pth")
    torch.save({"layer.weight": torch.zeros(1).expand(3, 4)}, HERE / "bad_expanded.pth")
    torch.save({"layer.weight": Harmful()}, HERE / "bad_harmful.pth")
    torch.save({"layer.weight": Harmful()}, HERE / "bad_harmful_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save([1, 2, 3], HERE / "bad_list.pth")
    torch.save(Model(), HERE / "bad_module.pth")
    (HERE / "bad_plain_pickle.pth").write_bytes(pickle.dumps({"layer.weight": [1.0, 2.0]}, protocol=2))
    with zipfile.ZipFile(HERE / "zip.pth") as source:
        with zipfile.ZipFile(HERE / "bad_compressed.pth", "w", zipfile.ZIP_DEFLATED) as target:
            for item in source.infolist():
                target.writestr(item.filename, source.read(item))
        with zipfile.ZipFile(HERE / "bad_storage_missing.pth", "w") as target:
            for item in source.infolist():
                if not item.filename.endswith("/data/0"):
                    target.writestr(item.filename, source.read(item))
        with zipfile.ZipFile(HERE / "bad_storage_short.pth", "w") as target:
            for item in source.infolist():
                data = source.read(item)
                target.writestr(item.filename, data[:-4] if item.filename.endswith("/data/0") else data)
        with zipfile.ZipFile(HERE / "bad_big_endian.pth", "w") as target:
            for item in source.infolist():
                data = source.read(item)
                target.writestr(item.filename, b"big" if item.filename.endswith("/byteorder") else data)
    # A size whose bytes overflow a machine word.
    with zipfile.ZipFile(HERE / "zip.pth") as source, zipfile.ZipFile(HERE / "bad_overflow.pth", "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename.endswith("data.pkl"):
                assert b"K\x03K\x04\x86" in data
                data = data.replace(b"K\x03K\x04\x86", b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x04\x86")
            target.writestr(item.filename, data)


main()
