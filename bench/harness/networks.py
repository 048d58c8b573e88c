"""The networks that are measured, as folders that tweedie and diffusers both read."""
import pathlib

import diffusers
import torch

from .processes import ROOT

DEFAULT = ROOT / "models" / "fashion-mnist-32"

CIFAR10 = dict(
    sample_size=32, in_channels=3, out_channels=3, layers_per_block=2, block_out_channels=(128, 256, 256, 256),
    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), flip_sin_to_cos=False, freq_shift=1,
    norm_eps=1e-6, downsample_padding=0, attention_head_dim=None)


def random_folder(name: str, out: pathlib.Path, **config) -> pathlib.Path:
    """A model folder of that shape with random weights, made once; alone in a folder of models."""
    folder = out / "models" / name / name
    if not (folder / "scheduler_config.json").exists():
        torch.manual_seed(0)
        diffusers.UNet2DModel(**config).save_pretrained(folder)
        diffusers.DDPMScheduler().save_pretrained(folder)
    return folder


def cifar10(out: pathlib.Path) -> pathlib.Path:
    return random_folder("ddpm-cifar10-32-shape", out, **CIFAR10)


def default_at(size: int, out: pathlib.Path) -> pathlib.Path:
    """The default model's shape for images of another size."""
    config = dict(diffusers.UNet2DModel.load_config(DEFAULT))
    config["sample_size"] = size
    return random_folder(f"default-shape-{size}", out, **{k: v for k, v in config.items() if not k.startswith("_")})


def load(folder: pathlib.Path) -> torch.nn.Module:
    net = diffusers.UNet2DModel.from_pretrained(folder, low_cpu_mem_usage=False)
    return net.eval().requires_grad_(False)


def input_of(net, rows: int):
    """Images and timesteps for a call of that many rows."""
    size = net.config.sample_size
    return torch.randn(rows, net.config.in_channels, size, size), torch.full((rows,), 500)


def gflop(net) -> float:
    """2 x the multiplications of convolutions, linear layers and attention, in one pass of one image."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, torch.nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Linear):
            total += output.numel() * module.in_features
        else:  # attention: queries by keys, then by values
            batch, channels, height, width = inputs[0].shape
            total += 2 * batch * (height * width) ** 2 * channels

    kinds = (torch.nn.Conv2d, torch.nn.Linear, diffusers.models.attention_processor.Attention)
    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        net(*input_of(net, 1))
    for hook in hooks:
        hook.remove()
    return 2e-9 * total
