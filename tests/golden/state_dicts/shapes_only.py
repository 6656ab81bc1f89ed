"""A stand-in for torch in which layers have names and shapes and no numbers, so that the models of torchvision and timm can be built
without its 5 GB. Layers are those of https://docs.pytorch.org/docs/stable/nn.html; everything else of torch can be asked for and does nothing."""

import importlib.abc
import importlib.machinery
import sys
import types
from collections import OrderedDict


class Anything(type):
    """A class that can be called, subclassed, used as a decorator, and has every attribute."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing(name)

    def __call__(cls, *args, **kwargs):
        # As a decorator it gives back what it decorates.
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else super().__call__()

    def __getitem__(cls, _):
        return cls

    def __or__(cls, _):
        return cls

    __ror__ = __or__


def nothing(name):
    def method(self, *args, **kwargs):
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else self

    def attribute(self, asked):
        if asked.startswith("__"):
            raise AttributeError(asked)
        return method.__get__(self)

    body = {
        "__init__": lambda self, *args, **kwargs: None,
        "__call__": method,
        "__getattr__": attribute,
        "__enter__": lambda self: self,
        "__exit__": lambda self, *args: None,
        "__iter__": lambda self: iter(()),
        "__len__": lambda self: 0,
        "__add__": lambda self, _: self,
        "__radd__": lambda self, _: self,
        "__mul__": lambda self, _: self,
        "__lt__": lambda self, _: False,
        "__ge__": lambda self, _: True,
    }
    return Anything(name, (), body)


class Module:
    """torch.nn.Module, as far as names go."""

    def __init__(self, *args, **kwargs):
        pass

    @property
    def children_(self):
        return self.__dict__.setdefault("_modules", OrderedDict())

    @property
    def parameters_(self):
        return self.__dict__.setdefault("_parameters", OrderedDict())

    def __setattr__(self, name, value):
        (self.children_.pop(name, None), self.parameters_.pop(name, None), self.__dict__.pop(name, None))
        if isinstance(value, Module):
            self.children_[name] = value
        elif isinstance(value, Shape):
            self.parameters_[name] = value
        else:
            self.__dict__[name] = value

    def __getattr__(self, name):
        for kept in ["_modules", "_parameters"]:
            if name in self.__dict__.get(kept, {}):
                return self.__dict__[kept][name]
        raise AttributeError(name)

    def add_module(self, name, module):
        setattr(self, name, module)

    register_module = add_module

    def register_parameter(self, name, value):
        setattr(self, name, value)

    def register_buffer(self, name, value, persistent=True):
        if persistent:
            setattr(self, name, value)

    def named_modules(self, prefix=""):
        yield prefix, self
        for name, module in self.children_.items():
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self):
        return (module for _, module in self.named_modules())

    def children(self):
        return iter(self.children_.values())

    def named_children(self):
        return iter(self.children_.items())

    def parameters(self):
        return iter(())

    def named_parameters(self):
        return iter(())

    def eval(self):
        return self

    def state_dict(self, prefix=""):
        shapes = OrderedDict((prefix + name, shape.shape) for name, shape in self.parameters_.items())
        for name, module in self.children_.items():
            shapes.update(module.state_dict(f"{prefix}{name}."))
        return shapes


class Shape:
    def __init__(self, *shape):
        self.shape = list(shape)

    def size(self, axis):
        return self.shape[axis]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self


class Sequential(Module):
    def __init__(self, *layers):
        super().__init__()
        named = layers[0].items() if len(layers) == 1 and isinstance(layers[0], OrderedDict) else enumerate(layers)
        for name, layer in named:
            setattr(self, str(name), layer)

    def __iter__(self):
        return iter(self.children_.values())

    def __len__(self):
        return len(self.children_)

    def __getitem__(self, index):
        layers = list(self.children_.values())[index]
        return Sequential(*layers) if isinstance(index, slice) else layers

    def append(self, layer):
        setattr(self, str(len(self)), layer)


class ModuleList(Sequential):
    def __init__(self, layers=()):
        super().__init__(*layers)


class Conv2d(Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, **_):
        super().__init__()
        kernel = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
        self.in_channels, self.out_channels, self.kernel_size, self.groups = in_channels, out_channels, kernel, groups
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = Shape(out_channels, in_channels // groups, *kernel)
        self.bias = Shape(out_channels) if bias else None


class Linear(Module):
    def __init__(self, in_features, out_features, bias=True, **_):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Shape(out_features, in_features)
        self.bias = Shape(out_features) if bias else None


class BatchNorm2d(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, **_):
        super().__init__()
        self.num_features = num_features
        for name in ["weight", "bias"] if affine else []:
            setattr(self, name, Shape(num_features))
        for name in ["running_mean", "running_var"] if track_running_stats else []:
            setattr(self, name, Shape(num_features))
        if track_running_stats:
            self.num_batches_tracked = Shape()


LAYERS = {layer.__name__: layer for layer in [Module, Sequential, ModuleList, Conv2d, Linear, BatchNorm2d]}
# Layers without numbers, which must be modules all the same.
EMPTY = (
    "ReLU ReLU6 SiLU Hardswish Hardsigmoid Sigmoid GELU Tanh Softmax Mish ELU PReLU CELU SELU LeakyReLU Identity Dropout Dropout2d MaxPool2d AvgPool2d "
    "AdaptiveAvgPool2d AdaptiveMaxPool2d Flatten ZeroPad2d Upsample Softplus LPPool2d Unflatten PixelShuffle"
).split()


class Fake(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        if name == "__version__":
            return "2.9.0"
        if self.__name__ in ["torch.nn", "torch.nn.modules", "torch.nn.modules.batchnorm"] and name in LAYERS:
            value = LAYERS[name]
        elif name in EMPTY or (self.__name__ == "torch.nn" and name[0].isupper() and name not in ["Parameter", "Tensor"]):
            value = type(name, (Module,), {})
        else:
            value = nothing(name)
        setattr(self, name, value)
        return value


# Real modules of torchvision: its models and the layers that they share. The rest of it needs torch's own code.
REAL = ["torchvision.models.", "torchvision.ops.misc"]


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if any(name.startswith(real) for real in REAL):
            return None
        if name.split(".")[0] in ["torch", "torchvision", "huggingface_hub", "safetensors", "PIL", "yaml", "numpy"]:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Fake(spec.name)
        if spec.name.startswith("torchvision"):
            # So that the real ones are found in it.
            module.__path__ = [f"{folder}/{spec.name.replace('.', '/')}" for folder in sys.path]
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Finder())
