#!/usr/bin/env python3
"""Writes tests/golden/dialects/v1 with the projects' own code.

Each folder NAME is a tiny random network of one dialect: its configuration
(model.json or *.yaml), tensors.json (each tensor of the state dict by name: shape,
scale and offset of values() below, so that no weights are stored) and
io.safetensors: x_shape of an x by the same formula, t, class_labels if it has
classes, the network's output and the gradient of its sum of squares;
alpha_bar at the timesteps `levels`, by the project's diffusion; and, as
`file:NAME`, tensors of the file that no formula makes.

usage: tools/golden/dialects.py CLONES [NAME...]

CLONES is a folder with clones of openai/guided-diffusion, openai/improved-diffusion
and ermongroup/ddim (whose models/diffusion.py is pesser's), each named by its
repository's name, and with the package of each release of denoising-diffusion-pytorch
in LUCIDRAINS below as CLONES/ddp-VERSION/denoising_diffusion_pytorch.
Needs torch, numpy, safetensors, pyyaml and what these packages import.
"""
import argparse
import importlib
import json
import pathlib
import sys

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "dialects" / "v1"


# --- weights ---

def values(name, shape, scale, offset):
    """Returns the float32 values of a tensor: uniform in offset +- scale, by a hash of name and index."""
    seed = np.uint64(0xCBF29CE484222325)
    for byte in name.encode():  # FNV-1a
        seed = np.uint64((int(seed) ^ byte) * 0x100000001B3 % 2**64)
    count = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over="ignore"):
        bits = (seed + np.arange(count, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        bits ^= bits >> np.uint64(32)
        bits *= np.uint64(0xD6E8FEB86659FD93)
        bits ^= bits >> np.uint64(32)
    unit = (bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1
    return torch.from_numpy((offset + scale * unit).astype(np.float32).reshape(shape))


def scale_and_offset(name, shape):
    """Keeps activations of one size, and no part idle."""
    norm = name.endswith(".g") or (len(shape) == 1 and name.endswith("weight"))
    if norm:
        return 0.5, 1.0
    if len(shape) > 1 and not name.endswith("mem_kv"):
        return float((3 / np.prod(shape[1:])) ** 0.5), 0.0
    return 0.5, 0.0


def randomize(module):
    """Gives every parameter its values; returns tensors.json."""
    table = {}
    for name, parameter in module.named_parameters():
        shape = list(parameter.shape)
        scale, offset = scale_and_offset(name, shape)
        parameter.data.copy_(values(name, shape, scale, offset))
        table[name] = {"shape": shape, "scale": scale, "offset": offset}
    return table


# --- files ---

def write(name, files, table, tensors, predict):
    """predict: x -> the network's output."""
    x = tensors.pop("x").requires_grad_()
    tensors["x_shape"] = torch.tensor(x.shape)
    tensors["output"] = predict(x)
    tensors["gradient"], = torch.autograd.grad(tensors["output"].square().sum(), x)
    tensors["output"] = tensors["output"].detach()
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        if file.endswith(".json"):
            text = json.dumps(content, indent=1)
        else:
            text = yaml.safe_dump(content, sort_keys=False)
        (folder / file).write_text(text.rstrip() + "\n")
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
    (folder / "tensors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert tensors["output"].isfinite().all()
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "io.safetensors")
    print(name, "output", list(tensors["output"].shape), "rms", float(tensors["output"].pow(2).mean().sqrt()))


def inputs(side, rows, timesteps):
    x = values("x", [rows, 3, side, side], 1.7, 0.0)
    t = torch.linspace(timesteps * 0.1, timesteps - 1, rows).round().long()
    return x, t


def levels(alphas_cumprod):
    at = np.unique(np.linspace(0, len(alphas_cumprod) - 1, 17).round().astype(np.int64))
    return {"levels": torch.from_numpy(at),
            "alpha_bar": torch.from_numpy(np.asarray(alphas_cumprod, dtype=np.float64)[at])}


# --- openai's ---

def guided(name, flags, files, side, rows=2):
    from guided_diffusion import script_util
    openai(name, script_util, script_util.create_model_and_diffusion, flags, files, side, rows)


def improved(name, flags, files, side, rows=2):
    from improved_diffusion import script_util
    openai(name, script_util, script_util.create_model_and_diffusion, flags, files, side, rows)


def openai(name, script_util, create, flags, files, side, rows):
    arguments = {**script_util.model_and_diffusion_defaults(), **flags, "timestep_respacing": ""}
    model, diffusion = create(**arguments)
    model.eval()
    table = randomize(model)
    x, t = inputs(side, rows, diffusion.num_timesteps)
    tensors = {"x": x, "t": t, **levels(diffusion.alphas_cumprod)}
    keywords = {}
    if arguments["class_cond"]:
        tensors["class_labels"] = keywords["y"] = torch.arange(rows) * 331 % 1000
    # As in sampling: the wrapper multiplies t by 1000 / T if rescale_timesteps.
    network = diffusion._wrap_model(model)
    write(name, files(flags), table, tensors, lambda x: network(x, t, **keywords))


def model_json(dialect, diffusion_keys):
    """The flags as a model.json of ours."""
    def files(flags):
        network = {key: value for key, value in flags.items() if key not in diffusion_keys}
        diffusion = {key: value for key, value in flags.items() if key in diffusion_keys}
        return {"model.json": {"dialect": dialect, "network": network, "diffusion": diffusion}}
    return files


DIFFUSION = ("diffusion_steps", "noise_schedule", "timestep_respacing", "learn_sigma", "sigma_small",
             "rescale_timesteps", "predict_xstart")
GUIDED = model_json("guided-diffusion", DIFFUSION)
IMPROVED = model_json("improved-diffusion", DIFFUSION)


def dps_files(flags):
    """As the DPS authors' configs/model_config.yaml and diffusion_config.yaml are."""
    network = dict(flags, attention_resolutions=int(flags["attention_resolutions"]), channel_mult="",
                   class_cond=False, use_checkpoint=False, num_heads_upsample=-1, dropout=0.0, use_fp16=False,
                   model_path="models/tiny.pt")
    diffusion = dict(sampler="ddpm", steps=1000, noise_schedule="linear", model_mean_type="epsilon",
                     model_var_type="learned_range", dynamic_threshold=False, clip_denoised=True,
                     rescale_timesteps=False, timestep_respacing=1000)
    return {"model_config.yaml": network, "diffusion_config.yaml": diffusion}


def ddrm_files(flags):
    """As DDRM's configs of openai's networks are."""
    model = dict(flags, type="openai", in_channels=3, out_channels=3, dropout=0.0, resamp_with_conv=True,
                 use_fp16=False, num_heads_upsample=-1, var_type="fixedsmall")
    data = dict(dataset="ImageNet", image_size=flags["image_size"], channels=3, logit_transform=False,
                uniform_dequantization=False, gaussian_dequantization=False, random_flip=True, rescaled=True)
    diffusion = dict(beta_schedule="linear", beta_start=0.0001, beta_end=0.02, num_diffusion_timesteps=1000)
    return {"ddrm.yml": dict(data=data, model=model, diffusion=diffusion, sampling=dict(batch_size=1, last_only=True))}


OPENAI = {
    "guided-defaults": (guided, dict(num_channels=32, image_size=64), GUIDED, 16),
    "guided-dps-ffhq": (guided, dict(
        image_size=256, num_channels=32, num_res_blocks=1, learn_sigma=True, attention_resolutions="16",
        num_heads=4, num_head_channels=32, use_scale_shift_norm=True, resblock_updown=True,
        use_new_attention_order=False), dps_files, 32),
    "guided-imagenet-64": (guided, dict(
        image_size=64, num_channels=32, num_res_blocks=1, learn_sigma=True, class_cond=True,
        attention_resolutions="32,16,8", num_head_channels=16, resblock_updown=True,
        use_new_attention_order=True, noise_schedule="cosine", dropout=0.1), GUIDED, 16),
    "guided-512": (guided, dict(
        image_size=512, num_channels=64, num_res_blocks=1, learn_sigma=True, attention_resolutions="32,16,8",
        num_head_channels=32, resblock_updown=True), GUIDED, 64, 1),
    "guided-plain": (guided, dict(
        image_size=64, num_channels=32, num_res_blocks=1, channel_mult="1,2", attention_resolutions="64",
        num_heads=2, num_heads_upsample=8, use_scale_shift_norm=False, predict_xstart=True,
        diffusion_steps=500, timestep_respacing="ddim50", rescale_timesteps=True), GUIDED, 8),
    "guided-new-order": (guided, dict(
        image_size=64, num_channels=32, num_res_blocks=1, channel_mult="1,2", attention_resolutions="64,32",
        num_heads=4, use_new_attention_order=True, timestep_respacing="250"), GUIDED, 8),
    "guided-ddrm": (guided, dict(
        image_size=64, num_channels=32, num_res_blocks=1, learn_sigma=True, class_cond=False,
        attention_resolutions="32,16,8", num_heads=4, num_head_channels=32, use_scale_shift_norm=True,
        resblock_updown=True, use_new_attention_order=False), ddrm_files, 16),
    "improved-cifar-10": (improved, dict(
        image_size=32, num_channels=32, num_res_blocks=3, learn_sigma=True, dropout=0.3,
        diffusion_steps=4000, noise_schedule="cosine"), IMPROVED, 16),
    "improved-imagenet-64": (improved, dict(
        image_size=64, num_channels=32, num_res_blocks=1, learn_sigma=True, class_cond=True,
        diffusion_steps=4000, noise_schedule="cosine"), IMPROVED, 16),
    "improved-plain": (improved, dict(
        image_size=32, num_channels=32, num_res_blocks=1, attention_resolutions="8", num_heads=2,
        num_heads_upsample=1, use_scale_shift_norm=False, sigma_small=True, rescale_timesteps=False), IMPROVED, 16),
}


# --- pesser's ---

def namespace(value):
    if isinstance(value, dict):
        return argparse.Namespace(**{key: namespace(inner) for key, inner in value.items()})
    return value


def ho_config(image_size, ch, ch_mult, num_res_blocks, attn_resolutions, var_type, **diffusion):
    return dict(
        data=dict(dataset="CELEBA", image_size=image_size, channels=3, logit_transform=False,
                  uniform_dequantization=False, gaussian_dequantization=False, random_flip=True, rescaled=True,
                  num_workers=4),
        model=dict(type="simple", in_channels=3, out_ch=3, ch=ch, ch_mult=list(ch_mult),
                   num_res_blocks=num_res_blocks, attn_resolutions=list(attn_resolutions), dropout=0.1,
                   var_type=var_type, ema_rate=0.9999, ema=True, resamp_with_conv=True),
        diffusion={**dict(beta_schedule="linear", beta_start=0.0001, beta_end=0.02,
                          num_diffusion_timesteps=1000), **diffusion},
        training=dict(batch_size=128, n_epochs=10000), sampling=dict(batch_size=64, last_only=True),
        optim=dict(weight_decay=0.0, optimizer="Adam", lr=0.0002, amsgrad=False))


HO = {
    "ho-cifar-10": (ho_config(32, 32, (1, 2, 2, 2), 2, (16,), "fixedlarge"), 16),
    "ho-celeba-hq": (ho_config(256, 32, (1, 1, 2, 2, 4, 4), 1, (16,), "fixedsmall"), 32),
    "ho-quadratic": (ho_config(64, 32, (1, 3), 1, (64, 32), "fixedsmall", beta_schedule="quad",
                               num_diffusion_timesteps=200), 8),
}


def ho_betas(beta_schedule, beta_start, beta_end, num_diffusion_timesteps):
    """As in the ports' runners, which import too much to be imported here."""
    power = {"linear": 1, "quad": 2}[beta_schedule]
    return np.linspace(beta_start ** (1 / power), beta_end ** (1 / power), num_diffusion_timesteps) ** power


def ho(name, config, side):
    from models.diffusion import Model
    model = Model(namespace(config)).eval()
    table = randomize(model)
    betas = ho_betas(**config["diffusion"])
    x, t = inputs(side, 2, len(betas))
    model.resolution = side  # only asserted; the network is convolutional
    write(name, {"config.yml": config}, table, {"x": x, "t": t, **levels(np.cumprod(1 - betas))},
          lambda x: model(x, t))


# --- denoising-diffusion-pytorch ---

def ddp_module(clones, version):
    """Imports a release, and forgets the one before."""
    for name in [name for name in sys.modules if name.startswith("denoising_diffusion_pytorch")]:
        del sys.modules[name]
    sys.path.insert(0, str(pathlib.Path(clones) / f"ddp-{version}"))
    module = importlib.import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch")
    sys.path.pop(0)
    return module


def ddp(name, clones, version, prefix, network, diffusion, side=16):
    """prefix: what the names of the file begin with; empty for a bare Unet."""
    module = ddp_module(clones, version)
    model = module.Unet(**network).eval()
    table = {prefix + key: value for key, value in randomize(model).items()}
    # The values hang on the names of the file.
    for key, parameter in model.named_parameters():
        entry = table[prefix + key]
        parameter.data.copy_(values(prefix + key, entry["shape"], entry["scale"], entry["offset"]))
    x, t = inputs(side, 2, diffusion["timesteps"])
    x = x[:, :network.get("channels", 3)]
    tensors = {"x": values("x", list(x.shape), 1.7, 0.0), "t": t}
    settings = dict(diffusion)
    if prefix:
        settings.pop("beta_schedule")  # the file has the betas
        process = module.GaussianDiffusion(model, image_size=side, **diffusion)
        outer = prefix.removesuffix("model.")
        buffers = {outer + key: value for key, value in process.named_buffers() if "." not in key}
        tensors.update({"file:" + key: value.clone() for key, value in buffers.items()})
        betas = process.betas.double()
    else:
        betas = getattr(module, diffusion["beta_schedule"] + "_beta_schedule")(diffusion["timesteps"]).double()
    if prefix.startswith("ema_model."):
        tensors["file:initted"], tensors["file:step"] = torch.tensor(True), torch.tensor(1000)
    tensors.update(levels(torch.cumprod(1 - betas, 0).numpy()))
    settings["version"] = version
    write(name, {"model.json": {"dialect": "denoising-diffusion-pytorch", "network": {**network, "image_size": side},
                                "diffusion": settings}}, table, tensors, lambda x: model(x, t))


LUCIDRAINS = {
    "ddp-2-defaults": ("2.3.4", "model.", dict(dim=16, dim_mults=(1, 2, 4)),
                       dict(timesteps=100, objective="pred_v", beta_schedule="sigmoid")),
    "ddp-2-attention": ("2.3.4", "ema_model.model.", dict(
        dim=16, init_dim=24, dim_mults=(1, 2), attn_heads=(2, 3), attn_dim_head=(8, 16), full_attn=(True, False),
        sinusoidal_pos_emb_theta=2000, channels=1), dict(timesteps=60, objective="pred_x0", beta_schedule="linear")),
    "ddp-2-bare": ("2.3.4", "", dict(dim=16, dim_mults=(1, 2), learned_variance=True),
                   dict(timesteps=100, objective="pred_noise", beta_schedule="sigmoid")),
    "ddp-1-memory": ("1.11.0", "model.", dict(dim=16, dim_mults=(1, 2), resnet_block_groups=4, full_attn=(False, True)),
                     dict(timesteps=100, objective="pred_noise", beta_schedule="cosine")),
    "ddp-1-no-memory": ("1.8.9", "", dict(dim=16, dim_mults=(1, 2), attn_heads=2, full_attn=(False, True)),
                        dict(timesteps=100, objective="pred_v", beta_schedule="cosine")),
    "ddp-1-standardised": ("1.5.4", "model.", dict(dim=16, dim_mults=(1, 2, 2)),
                           dict(timesteps=100, objective="pred_v", beta_schedule="cosine")),
    "ddp-0-strided": ("0.30.0", "", dict(dim=16, dim_mults=(1, 2), learned_sinusoidal_cond=True),
                      dict(timesteps=100, objective="pred_noise", beta_schedule="cosine")),
}


def main():
    clones, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for clone in ("guided-diffusion", "improved-diffusion", "ddim"):
        sys.path.insert(0, str(pathlib.Path(clones) / clone))
    for name, (make, *arguments) in OPENAI.items():
        if not names or name in names:
            make(name, *arguments)
    for name, arguments in HO.items():
        if not names or name in names:
            ho(name, *arguments)
    for name, arguments in LUCIDRAINS.items():
        if not names or name in names:
            ddp(name, clones, *arguments)


if __name__ == "__main__":
    main()
