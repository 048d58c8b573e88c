#!/usr/bin/env python3
"""Writes tests/golden/network/v1 with diffusers 0.42.1.

Each folder NAME is a tiny random UNet2DModel (config.json,
diffusion_pytorch_model.safetensors, scheduler_config.json) and io.safetensors:
x, t, class_labels if it has classes, and the network's output. All parameters
are random, the norms' too, since zeros and ones hide errors. `default` holds the
same for the default model, whose weights are in models/.

usage: tools/golden/network.py  (diffusers, torch, safetensors)
"""
import pathlib
import zlib

import torch
from diffusers import DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "golden" / "network" / "v1"

# Small enough that all fixtures take a few hundred kilobytes.
TINY = dict(
    sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=2,
    block_out_channels=(4, 8), attention_head_dim=4,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"))
RESNET = dict(down_block_types=("ResnetDownsampleBlock2D",) * 2, up_block_types=("ResnetUpsampleBlock2D",) * 2)

# Name -> (UNet arguments, scheduler arguments).
CONFIGS = {
    "like-default": (dict(
        layers_per_block=2, norm_num_groups=4, block_out_channels=(8, 16)), {}),
    "google-ddpm": (dict(
        in_channels=3, out_channels=3, downsample_padding=0, freq_shift=1, flip_sin_to_cos=False,
        norm_eps=1e-6, attention_head_dim=None,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), block_out_channels=(8, 8, 8)),
        dict(variance_type="fixed_large")),
    "scale-shift-resnet": (dict(RESNET, resnet_time_scale_shift="scale_shift"), {}),
    "scale-shift-attention-norm": (dict(
        resnet_time_scale_shift="scale_shift", attn_norm_num_groups=4), {}),
    "attention-resnet": (dict(
        downsample_type="resnet", upsample_type="resnet",
        down_block_types=("AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D")), {}),
    "class-conditional": (dict(num_class_embeds=10), {}),
    "class-timestep": (dict(class_embed_type="timestep", num_class_embeds=10, act_fn="mish"), {}),
    "v-prediction": (dict(act_fn="gelu", center_input_sample=True), dict(prediction_type="v_prediction")),
    "non-square": (dict(sample_size=(8, 12), in_channels=2, out_channels=2, act_fn="swish"), {}),
    "fourier": (dict(time_embedding_type="fourier", act_fn="relu"), {}),
    "learned-time": (dict(time_embedding_type="learned", num_train_timesteps=100, time_embedding_dim=24),
                     dict(num_train_timesteps=100)),
    "mid-scale": (dict(mid_block_scale_factor=1.5), {}),
    "no-attention": (dict(
        add_attention=False, mid_block_scale_factor=0.5, down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2, block_out_channels=(6, 4)), {}),
    "no-mid-block": (dict(mid_block_type=None), {}),
    "head-dim-absent": (dict(block_out_channels=(4, 16)), {}),  # the key is taken out of the file
    "learned-variance": (dict(in_channels=2, out_channels=4), dict(variance_type="learned_range")),
}
# Weights are stored in float16, for their size, but for these.
DTYPES = {"no-attention": torch.float32, "mid-scale": torch.bfloat16}


def randomize(model, generator):
    """Sets every parameter so that activations keep their size and no part is idle."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() > 1:
            value = noise / parameter[0].numel() ** 0.5
        elif "norm" in name and name.endswith("weight"):
            value = 1 + 0.3 * noise
        elif name == "time_proj.weight":
            value = noise  # frequencies
        else:
            value = 0.3 * noise
        parameter.data.copy_(value)


def evaluate(model, generator, rows):
    """Returns x, t, class_labels and the output for random inputs at spread timesteps."""
    config = model.config
    size = config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    x = torch.randn(rows, config.in_channels, height, width, generator=generator)
    timesteps = config.num_train_timesteps or 1000
    first = 1 if config.time_embedding_type == "fourier" else 0  # log 0 is not finite
    t = torch.linspace(first, timesteps - 1, rows).round().long()
    tensors = {"x": x, "t": t}
    labels = None
    if config.num_class_embeds:
        labels = torch.arange(rows) * 3 % config.num_class_embeds
        tensors["class_labels"] = labels
    with torch.no_grad():
        tensors["output"] = model(x, t, class_labels=labels).sample.contiguous()
    assert tensors["output"].isfinite().all()
    return tensors


def write_tiny(name, unet_arguments, scheduler_arguments):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    model = UNet2DModel(**{**TINY, **unet_arguments}).eval()
    randomize(model, generator)
    folder = OUT / name
    model.to(DTYPES.get(name, torch.float16)).save_pretrained(folder)
    model.float()
    DDPMScheduler(**scheduler_arguments).save_pretrained(folder)
    if name == "head-dim-absent":
        path = folder / "config.json"
        lines = [line for line in path.read_text().splitlines() if "attention_head_dim" not in line]
        path.write_text("\n".join(lines) + "\n")
        model = UNet2DModel.from_pretrained(folder).eval()
    save_file(evaluate(model, generator, rows=3), folder / "io.safetensors")


def write_default():
    model = UNet2DModel.from_pretrained(ROOT / "models" / "fashion-mnist-32").eval()
    (OUT / "default").mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    save_file(evaluate(model, generator, rows=4), OUT / "default" / "io.safetensors")


def main():
    torch.set_num_threads(1)
    for name, (unet_arguments, scheduler_arguments) in CONFIGS.items():
        write_tiny(name, unet_arguments, scheduler_arguments)
    write_default()


if __name__ == "__main__":
    main()
