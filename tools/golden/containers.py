#!/usr/bin/env python3
"""Writes tests/golden/containers: files of torch.save and safetensors, with what they hold.

usage: containers.py FOLDER

Each file NAME.pt is to be read as one of the safetensors files says, which the
library of that name writes: see CASES of tests/unit/weights/containers/golden_test.cc.
The numbers are small and whole, so that every type holds them.

Needs torch 2.15, numpy and safetensors.
"""
import collections
import copy
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

# The last is the head of each layer of AlexNet in the package lpips.
ALEX_CHANNELS = (64, 192, 384, 256, 256)


def numbers(shape, dtype, seed):
    """Whole numbers from -16 to 15; 0 and 1 for types that have no others."""
    count = int(torch.tensor(shape).prod()) if shape else 1
    values = (torch.arange(count) * 7 + seed * 3) % 32 - 16
    if dtype in (torch.uint8, torch.bool):
        values = values % 2
    return values.to(dtype).reshape(shape)


def plain():
    """{name: tensor} of every type, with a scalar and an empty one."""
    types = {"double": torch.float64, "half": torch.float16, "bfloat16": torch.bfloat16, "long": torch.int64,
             "int": torch.int32, "short": torch.int16, "char": torch.int8, "byte": torch.uint8, "bool": torch.bool}
    tensors = {f"types.{name}": numbers((2, 3), dtype, i) for i, (name, dtype) in enumerate(types.items())}
    tensors["conv.weight"] = numbers((4, 3, 3, 3), torch.float32, 20)
    tensors["conv.bias"] = numbers((4,), torch.float32, 21)
    tensors["num_batches"] = numbers((), torch.int64, 22)
    tensors["none"] = torch.empty((0, 3))
    return tensors


def views():
    """{name: tensor}: not contiguous, and shared."""
    flat = numbers((60,), torch.float32, 1)
    conv = numbers((4, 3, 3, 3), torch.float32, 2).contiguous(memory_format=torch.channels_last)
    return {"transposed": flat[:12].view(3, 4).t(), "strided": flat[::7], "slice": flat[3:9], "whole": flat,
            "tied": flat, "channels_last": conv, "expanded": numbers((1,), torch.float32, 3).expand(1, 1),
            "column": flat.view(6, 10)[:, 4]}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x))


def net():
    """A network whose state dict is known: {name: tensor}."""
    module = Net()
    for i, tensor in enumerate(module.state_dict().values()):
        tensor.copy_(numbers(tuple(tensor.shape), tensor.dtype, i))
    return module


def trainer(module):
    """What a training script saves: weights, their average, the optimizer, scalars."""
    other = copy.deepcopy(module)
    optimizer = torch.optim.Adam(other.parameters(), lr=1e-3)
    other(torch.ones(1, 2, 5, 5)).sum().backward()
    optimizer.step()
    return {"step": 70000, "version": "1.2.3", "lr": 1e-3, "done": True, "scaler": None, "model": other.state_dict(),
            "optimizer": optimizer.state_dict(), "ema": module.state_dict(), "history": [1, 2.5, "three"]}


def ema_pytorch(module):
    """As denoising-diffusion-pytorch saves it: two modules around the network, and twins."""
    state = module.state_dict()
    buffers = {"betas": numbers((4,), torch.float64, 5)}
    diffusion = {**buffers, **{f"model.{name}": tensor for name, tensor in state.items()}}
    twin = {f"online_model.{name}": tensor + 1 for name, tensor in diffusion.items()}
    average = {f"ema_model.{name}": tensor for name, tensor in diffusion.items()}
    return {"step": 7, "model": diffusion, "opt": {}, "scaler": None, "version": "2.0.0",
            "ema": {**twin, **average, "initted": torch.tensor(True), "step": torch.tensor(7)}}, {**buffers, **state}


def contiguous(tensors):
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def save_both(folder, name, content, **options):
    torch.save(content, folder / f"zip-{name}.pt", **options)
    torch.save(content, folder / f"legacy-{name}.pt", _use_new_zipfile_serialization=False, **options)


def save_shards(folder, tensors, extension, save):
    """Two files with every other tensor each, and their index."""
    weight_map = {}
    for i in range(2):
        name = f"shards-{i + 1:05}-of-00002.{extension}"
        part = {key: tensors[key] for j, key in enumerate(sorted(tensors)) if j % 2 == i}
        save(part, folder / name)
        weight_map.update({key: name for key in part})
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / f"shards.{extension}.index.json").write_text(json.dumps(index, indent=1) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(contiguous(plain()), folder / "plain.safetensors", metadata={"format": "pt"})
    save_file(contiguous(views()), folder / "views.safetensors")
    save_both(folder, "dict", plain())
    save_both(folder, "ordered", collections.OrderedDict(plain()))
    for protocol in (3, 4):
        save_both(folder, f"protocol{protocol}", collections.OrderedDict(plain()), pickle_protocol=protocol)
    save_both(folder, "views", views())
    save_both(folder, "parameters", {name: torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
                                     for name, tensor in plain().items()})
    module = net()
    save_file(contiguous(module.state_dict()), folder / "net.safetensors")
    save_both(folder, "net", module.state_dict())
    save_both(folder, "module", torch.nn.DataParallel(module).state_dict())
    save_both(folder, "trainer", trainer(module))
    save_both(folder, "list", [torch.nn.DataParallel(module).state_dict(), {"state": {}}, 3, 70000])
    wrapped, inner = ema_pytorch(module)
    save_file(contiguous(inner), folder / "diffusion.safetensors")
    save_both(folder, "ema-pytorch", wrapped)
    save_shards(folder, contiguous(plain()), "safetensors", save_file)
    save_shards(folder, plain(), "bin", torch.save)
    heads = {f"lin{k}.model.1.weight": numbers((1, c, 1, 1), torch.float32, k) for k, c in enumerate(ALEX_CHANNELS)}
    torch.save(collections.OrderedDict(heads), folder / "legacy-lpips-alex.pth", _use_new_zipfile_serialization=False)
    torch.save(module, folder / "refused-module.pt")
    torch.save({"when": {1, 2}, "model": module.state_dict()}, folder / "refused-set.pt")
    torch.jit.save(torch.jit.trace(module, torch.ones(1, 2, 5, 5)), folder / "refused-torchscript.pt")
    print(sum(path.stat().st_size for path in folder.iterdir()), "bytes")
    for name in ("bin", "safetensors"):
        lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
                        for path in sorted(folder.glob(f"shards-*.{name}")))
        print(f"digest of shards.{name}:", hashlib.sha256(lines.encode()).hexdigest())


if __name__ == "__main__":
    main()
