"""Small files that no `torch.save` of today writes: one of an old version, and hostile ones. usage: make_by_hand.py (no packages)"""

import io
import json
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

HERE = Path(__file__).parent
MAGIC = 0x1950A86A20F9469CFC6C
VALUES = [at / 4 - 1 for at in range(12)]

# Names that the pickles ask for; only the names go into the files.
for module in ["torch", "torch._utils"]:
    sys.modules[module] = types.ModuleType(module)


def named(module, name):
    def it():
        raise NotImplementedError

    it.__module__, it.__qualname__, it.__name__ = module, name, name
    setattr(sys.modules[module], name, it)
    return it


FLOATS = named("torch", "FloatStorage")
# torch/_utils.py: the first as versions before 0.4 had it.
REBUILD = named("torch._utils", "_rebuild_tensor")
REBUILD_V2 = named("torch._utils", "_rebuild_tensor_v2")
PARAMETER = named("torch._utils", "_rebuild_parameter")


class Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class Call:
    """A call that a pickle asks for."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        function, *arguments = self.call
        return function, tuple(arguments)


class Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, it):
        if isinstance(it, Storage):
            # torch/serialization.py: old files end with a view of the storage, which is none.
            return ("storage", FLOATS, it.key, "cpu", it.count) + ((None,) if self.legacy else ())
        return None


def pickled(it, legacy=False):
    out = io.BytesIO()
    pickler = Pickler(out, protocol=2)
    pickler.legacy = legacy
    pickler.dump(it)
    return out.getvalue()


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def write_zip(name, parts):
    with zipfile.ZipFile(HERE / name, "w") as target:
        for part, data in parts:
            target.writestr(zipfile.ZipInfo(part), data)


def old():
    """Before version 0.4, in the order of `_legacy_save`."""
    parts = {"layer.weight": (VALUES, (3, 4), (4, 1)), "layer.bias": ([0.5, -2.0, 8.0], (3,), (1,)),
             "norm.weight": ([4.0, 5.0], (2,), (1,))}
    storages = {str(1000 + at): values for at, (values, *_) in enumerate(parts.values())}
    state = OrderedDict(
        (name, Call(REBUILD, Storage(key, len(values)), 0, shape, strides))
        for key, (name, (values, shape, strides)) in zip(storages, parts.items())
    )
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = b"".join(pickle.dumps(it, protocol=2) for it in [MAGIC, 1001, system])
    data += pickled(state, legacy=True) + pickle.dumps(list(storages), protocol=2)
    data += b"".join(struct.pack("<q", len(values)) + floats(values) for values in storages.values())
    (HERE / "before_0_4.pth").write_bytes(data)


def hostile_zips():
    storage = Storage("0", 1024)
    turned = Call(REBUILD_V2, storage, 0, (32, 32), (1, 32), False, OrderedDict())
    numbers = ("archive/data/0", floats([1.0] * 1024))
    # Many names for one tensor that does not lie row by row: each would be a copy.
    many = pickled({f"layer{at}.weight": turned for at in range(1000)})
    write_zip("bad_copies.pth", [("archive/data.pkl", many), numbers])
    plain = Call(REBUILD_V2, storage, 0, (32, 32), (32, 1), False, OrderedDict())
    state = pickled({"layer.weight": plain})
    write_zip("bad_two_pickles.pth", [("archive/data.pkl", state), numbers, ("other/data.pkl", state)])
    # A parameter of a list, which each use of it would copy.
    many = pickled({f"layer{at}.weight": Call(PARAMETER, list(range(16)), False, None) for at in range(3)})
    write_zip("bad_parameter.pth", [("archive/data.pkl", many), numbers])
    long = pickled({"l" * 2000: plain})
    write_zip("bad_long_name.pth", [("archive/data.pkl", long), numbers])


def hostile_safetensors():
    def write(name, header, data=b"", length=None):
        header = header if isinstance(header, bytes) else json.dumps(header).encode()
        length = len(header) if length is None else length
        (HERE / f"bad_{name}.safetensors").write_bytes(struct.pack("<Q", length) + header + data)

    def tensor(begin, end, shape=(4,)):
        return {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}

    data = floats([1.0] * 8)
    write("huge_header", {"a": tensor(0, 16)}, data, 1 << 62)
    write("header_beyond", {"a": tensor(0, 16)}, data[:16], 4096)
    write("json", b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}', data[:16])
    write("not_utf8", b'{"\xff\xfe":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}', data[:16])
    write("overlap", {"a": tensor(0, 16), "b": tensor(8, 24)}, data[:24])
    write("gap", {"a": tensor(0, 16), "b": tensor(20, 32, (3,))}, data)
    write("beyond", {"a": tensor(0, 64, (16,))}, data)
    write("backwards", {"a": tensor(16, 0)}, data[:16])
    write("overflow", {"a": tensor(0, 16, (1 << 62, 1 << 62))}, data[:16])
    write("offset_overflow", {"a": tensor(0, (1 << 64) - 1)}, data[:16])
    write("other_shape", {"a": tensor(0, 16, (5,))}, data[:16])
    write("negative", {"a": tensor(0, 16, (-4,))}, data[:16])
    write("type", b'{"a":{"dtype":"F33","shape":[4],"data_offsets":[0,16]}}', data[:16])
    write("empty", b"")


old()
hostile_zips()
hostile_safetensors()
