#!/usr/bin/env python3
"""Converts the weights of LPIPS 0.1 into the one safetensors file that `tweedied --lpips` reads.

usage: lpips_weights.py --net alex|squeeze|vgg16 --backbone FILE.pth [--heads FILE.pth] OUT.safetensors

FILE.pth of --backbone is torchvision's state dict of AlexNet, SqueezeNet 1.1 or
VGG16 (ImageNet weights, version 1), such as alexnet-owt-7be5be79.pth,
squeezenet1_1-b8a52dc0.pth and vgg16-397923af.pth; that of --heads is the head
file of the package `lpips` (weights/v0.1), whose own is taken if it is installed.
The output holds features.*, as far as LPIPS looks, and lin0.weight, lin1.weight,
..., all float32, with the metadata `net`.

Needs torch, numpy and safetensors. No code from the files is run.
"""
import argparse
import importlib.util
import pathlib

import torch
from safetensors.torch import save_file

# Net -> (name of the package's file of heads, number of heads, `features` that LPIPS looks at).
NETS = {"alex": ("alex", 5, 12), "squeeze": ("squeeze", 7, 13), "vgg16": ("vgg", 5, 30)}


def package_heads(net):
    """Returns the path of the head file in the installed package `lpips`."""
    spec = importlib.util.find_spec("lpips")
    if spec is None:
        raise SystemExit("lpips_weights.py: the package lpips is not installed; give --heads")
    return pathlib.Path(spec.origin).parent / "weights" / "v0.1" / f"{NETS[net][0]}.pth"


def convert(net, backbone, heads):
    """Returns {name: tensor} of the output, from the two state dicts."""
    _, num_heads, num_features = NETS[net]
    tensors = {name: tensor for name, tensor in backbone.items()
               if name.startswith("features.") and int(name.split(".")[1]) < num_features}
    for i in range(num_heads):
        tensors[f"lin{i}.weight"] = heads[f"lin{i}.model.1.weight"]
    return {name: tensor.float().contiguous() for name, tensor in tensors.items()}


def load(path):
    return torch.load(path, map_location="cpu", weights_only=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("--net", required=True, choices=NETS)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--heads")
    parser.add_argument("out")
    args = parser.parse_args()
    tensors = convert(args.net, load(args.backbone), load(args.heads or package_heads(args.net)))
    if not any(name.startswith("features.") for name in tensors):
        raise SystemExit(f"lpips_weights.py: {args.backbone} has no tensors features.*")
    save_file(tensors, args.out, metadata={"net": args.net, "version": "0.1"})
    print(f"{args.out}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values())} numbers")


if __name__ == "__main__":
    main()
