#!/usr/bin/env python3
"""Writes tests/golden/metrics/v1/lpips.safetensors with the package lpips 0.1.4.

Trained backbones are too large to commit, so all their parameters come from
integers that the test repeats: see parameter(). The heads are the package's own,
and are in the file (NET.lin0.weight, ...); so are the distances (NET.distances,
float64) of the pairs of images of shapes(), made as in metrics.py.

Also checks what the package does below the smallest side that a net takes, and
that tools/lpips_weights.py makes of a .pth file what the test makes.

usage: tools/golden/lpips_distances.py  (lpips, torch, torchvision, numpy, safetensors)
"""
import pathlib
import sys
import tempfile
import warnings

import lpips
import numpy as np
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "golden" / "metrics" / "v1" / "lpips.safetensors"
sys.path.insert(0, str(ROOT / "tools"))
import lpips_weights  # noqa: E402

MIN_SIDE = {"alex": 31, "squeeze": 17, "vgg16": 16}


def image(shape, which):
    """Multiples of 1/64 in [-1.5, 1.48], as in metrics.py: some are clamped."""
    c, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    smooth = (x * (3 + c) + y * y) % 97
    detail = (x * 7 + y * 13 + c * 5 + which * (x * y % 11)) % 95
    return torch.from_numpy(((smooth + detail) % 192 - 96) / 64)


def parameter(index, shape):
    """Parameter number `index` (by name) of a net: hashes of positions, scaled by the fan-in."""
    size = int(np.prod(shape))
    h = (np.arange(size, dtype=np.uint64) * 2654435761 + (index + 1) * 40503) % 2**32
    h ^= h >> np.uint64(15)
    h = h * 2246822519 % 2**32
    h ^= h >> np.uint64(13)
    unit = (h >> np.uint64(8)).astype(np.float64) / 2**24 - 0.5
    scale = np.sqrt(24 / (size // shape[0])) if len(shape) > 1 else 0.1
    return torch.from_numpy((unit * scale).astype(np.float32)).view(shape)


def shapes(net):
    side = MIN_SIDE[net]
    return ((1, 32, 32), (3, 33, 47), (3, side, side), (3, 64, 64), (1, 32, 90))


def package_model(net):
    """The package's model with our backbone, in float64; and that backbone."""
    model = lpips.LPIPS(net=lpips_weights.NETS[net][0], pnet_rand=True, verbose=False)
    names = {f"features.{name.split('.', 1)[1]}": p for name, p in model.net.named_parameters()}
    backbone = {name: parameter(i, tuple(names[name].shape)) for i, name in enumerate(sorted(names))}
    for name, p in names.items():
        p.data.copy_(backbone[name])
    return model.double(), backbone


def distance(model, a, b):
    a, b = (i.clamp(-1, 1).expand(3, -1, -1)[None] for i in (a, b))
    with torch.no_grad():
        return model(a, b).double().reshape(1)


def check_min_side(net, model):
    side = MIN_SIDE[net] - 1
    for shape in ((3, side, 64), (3, 64, side)):
        try:
            distance(model, image(shape, 0), image(shape, 1))
        except RuntimeError:
            continue
        raise SystemExit(f"{net}: takes {shape}")


def check_tool(net, backbone, heads):
    """The tool's file from a .pth file with the whole network's other tensors."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "backbone.pth"
        torch.save({**backbone, "classifier.1.weight": torch.zeros(2, 2)}, path)
        tensors = lpips_weights.convert(net, lpips_weights.load(path),
                                        lpips_weights.load(lpips_weights.package_heads(net)))
    expected = {**backbone, **heads}
    assert tensors.keys() == expected.keys(), (sorted(tensors), sorted(expected))
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)


def main():
    warnings.filterwarnings("ignore")
    tensors = {}
    for net in MIN_SIDE:
        model, backbone = package_model(net)
        check_min_side(net, model)
        heads = {f"lin{i}.weight": lin.model[1].weight.detach().float() for i, lin in enumerate(model.lins)}
        check_tool(net, backbone, heads)
        tensors.update({f"{net}.{name}": head.contiguous() for name, head in heads.items()})
        tensors[f"{net}.distances"] = torch.cat(
            [distance(model, image(shape, 0), image(shape, 1)) for shape in shapes(net)])
        print(net, tensors[f"{net}.distances"].tolist())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, OUT)


if __name__ == "__main__":
    main()
