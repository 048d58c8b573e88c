"""Images in and out: arrays, tensors, pictures and files, and what their values mean.

Everywhere in this package an array of images is **[N, C, H, W]** (or [C, H, W] for one image) with
values in the model's range **[-1, 1]**. Float values outside of it are allowed where images may be
noisy, and are never rescaled. uint8 stands for v / 127.5 - 1.
"""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt
from PIL import Image

from tweedie.v1 import tensor_pb2

FloatArray = npt.NDArray[np.float32]
# A NumPy array, or what becomes one: a torch tensor (of any device), a nested list of numbers.
ArrayLike = Any
# An array; a PIL image; the path or the bytes of a PNG or JPEG file; or several of one of these.
ImagesLike = Any

# Beyond it an image that should be clean was surely given in another range, as 0..255.
_CLEAN_LIMIT = 2.0
_CHANNELS = (1, 3)


def to_array(value: ArrayLike) -> npt.NDArray[Any]:
    """Returns a NumPy array of `value`; a torch tensor is detached and copied from its device."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if "bfloat16" in str(getattr(value, "dtype", "")):
            value = value.float()  # NumPy has no such type
        value = value.numpy()
    return np.asarray(value)


def to_float32(value: ArrayLike, name: str) -> FloatArray:
    """Returns contiguous float32, rounded if need be.

    Raises:
        TypeError: If it holds no real numbers.
        ValueError: If a value is not finite, or does not fit; it names `name`.
    """
    array = to_array(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers; was of type {array.dtype}")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(result).all():
        raise ValueError(f"{name} must be finite; it has values that are not, as float32")
    return result


def to_tensor(value: ArrayLike, name: str) -> tensor_pb2.Tensor:
    """Returns the message of an array: UINT8 for uint8, otherwise FLOAT32. See to_float32()."""
    array = to_array(value)
    if array.dtype == np.uint8:
        data_type = tensor_pb2.Tensor.UINT8
        data = np.ascontiguousarray(array)
    else:
        data_type = tensor_pb2.Tensor.FLOAT32
        data = to_float32(array, name).astype("<f4", copy=False)
    return tensor_pb2.Tensor(data_type=data_type, shape=array.shape, data=data.tobytes())


def from_tensor(tensor: tensor_pb2.Tensor) -> FloatArray:
    """Returns the values of a message, those of UINT8 in [-1, 1]."""
    shape = tuple(tensor.shape)
    if tensor.data_type == tensor_pb2.Tensor.UINT8:
        return from_uint8(np.frombuffer(tensor.data, np.uint8).reshape(shape))
    if tensor.data_type != tensor_pb2.Tensor.FLOAT32:
        raise TypeError(f"the server sent a tensor of a type that is not known: {tensor.data_type}")
    return np.frombuffer(tensor.data, "<f4").reshape(shape).astype(np.float32)


def from_uint8(values: npt.NDArray[np.uint8]) -> FloatArray:
    """Returns v / 127.5 - 1."""
    return (values.astype(np.float32) / np.float32(127.5) - np.float32(1)).astype(np.float32)


def to_uint8(images: ArrayLike) -> npt.NDArray[np.uint8]:
    """Returns images in [-1, 1] as 0 to 255: clamped, rounded to nearest, halves to even."""
    values = np.clip(to_float32(images, "images"), -1, 1)
    rounded: npt.NDArray[Any] = np.rint((values + np.float32(1)) * np.float32(127.5))
    return rounded.astype(np.uint8)


def from_unit(images: ArrayLike) -> FloatArray:
    """Returns images of [0, 1], as torchvision's and deepinv's are, in [-1, 1]."""
    return to_float32(images, "images") * np.float32(2) - np.float32(1)


def to_unit(images: ArrayLike) -> FloatArray:
    """Returns images of [-1, 1] in [0, 1]. Nothing is clamped."""
    return (to_float32(images, "images") + np.float32(1)) / np.float32(2)


def from_nhwc(images: ArrayLike) -> npt.NDArray[Any]:
    """Returns [N, H, W, C] or [H, W, C] as [N, C, H, W] or [C, H, W]; the values stay."""
    array = to_array(images)
    if array.ndim not in (3, 4):
        raise ValueError(f"images must be [N, H, W, C] or [H, W, C]; were {list(array.shape)}")
    return np.ascontiguousarray(np.moveaxis(array, -1, -3))


def to_nhwc(images: ArrayLike) -> npt.NDArray[Any]:
    """Returns [N, C, H, W] or [C, H, W] as [N, H, W, C] or [H, W, C]; the values stay."""
    array = _check_shape(to_array(images), "images")
    return np.ascontiguousarray(np.moveaxis(array, -3, -1))


def to_pil(images: ArrayLike) -> list[Image.Image]:
    """Returns a picture of each image in [-1, 1], of one or three channels."""
    array = _check_shape(to_uint8(images), "images")
    batch = array if array.ndim == 4 else array[None]
    if batch.shape[1] not in _CHANNELS:
        raise ValueError(f"a picture has 1 or 3 channels; the images have {batch.shape[1]}")
    return [Image.fromarray(one[0] if len(one) == 1 else np.moveaxis(one, 0, -1)) for one in batch]


def to_torch(images: ArrayLike) -> Any:
    """Returns a torch tensor of the same values, on the CPU. Needs torch."""
    import torch

    return torch.from_numpy(np.array(to_array(images)))


def to_png(image: Image.Image) -> bytes:
    """Returns a PNG file of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def make_images(value: ImagesLike, name: str, *, clean: bool = False) -> tensor_pb2.Images:
    """Returns the message of images that a job is to have.

    Pictures and files are sent as files (a grey one serves an RGB model), arrays as tensors.

    Args:
        value: The images.
        name: What an error calls them.
        clean: Whether values far outside [-1, 1] must be a mistake.

    Raises:
        ValueError: If a shape or a value cannot be right.
        TypeError: If it is nothing that images are made of.
        OSError: If a file cannot be read.
    """
    items = _as_list(value)
    if items and all(_is_file(item) for item in items):
        files = [_file_bytes(item) for item in items]
        return tensor_pb2.Images(encoded=tensor_pb2.Images.Encoded(files=files))
    return tensor_pb2.Images(tensor=to_tensor(_image_array(value, name, clean), name))


def picture_array(value: ImagesLike, name: str) -> npt.NDArray[Any]:
    """Returns an array as it is; of pictures and files [N, C, H, W] of uint8.

    Deeper pictures than 8 bits become float32, v / 32767.5 - 1.
    """
    items = _as_list(value)
    if not items or not all(_is_file(item) for item in items):
        return to_array(value)
    arrays = [_decode(item) for item in items]
    if len({array.shape for array in arrays}) > 1:
        shapes = ", ".join(str(list(array.shape)) for array in arrays)
        raise ValueError(f"the pictures of {name} must be of one size; were {shapes}")
    return np.stack(arrays)


def from_images(images: tensor_pb2.Images) -> FloatArray:
    """Returns the images of a message, [N, C, H, W], in [-1, 1]."""
    if images.WhichOneof("content") == "encoded":
        arrays = [_decode(file) for file in images.encoded.files]
        return np.stack([from_uint8(one) if one.dtype == np.uint8 else one for one in arrays])
    array = from_tensor(images.tensor)
    return array if array.ndim == 4 else array[None]


def _as_list(value: ImagesLike) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _is_file(item: object) -> bool:
    return isinstance(item, (Image.Image, bytes, str, os.PathLike))


def _file_bytes(item: Union[Image.Image, bytes, str, os.PathLike[str]]) -> bytes:
    if isinstance(item, Image.Image):
        return to_png(item)
    return item if isinstance(item, bytes) else pathlib.Path(item).read_bytes()


def _decode(item: Union[Image.Image, bytes, str, os.PathLike[str]]) -> npt.NDArray[Any]:
    """Returns [C, H, W] of uint8, or of float32 if the picture is deeper."""
    image = item if isinstance(item, Image.Image) else Image.open(io.BytesIO(_file_bytes(item)))
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.float32) / np.float32(32767.5) - np.float32(1)
        return np.expand_dims(deep, 0)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[None]
    alpha = image.convert("RGBA").getchannel("A")
    if image.has_transparency_data and alpha.getextrema() != (255, 255):
        raise ValueError("a picture must be opaque; one has transparent pixels")
    return np.ascontiguousarray(np.moveaxis(np.asarray(image.convert("RGB")), -1, 0))


def _image_array(value: ImagesLike, name: str, clean: bool) -> npt.NDArray[Any]:
    if isinstance(value, (list, tuple)) and len(value) > 0 and hasattr(value[0], "shape"):
        value = np.stack([to_array(one) for one in value])
    array = _check_shape(to_array(value), name)
    if clean and array.dtype != np.uint8:
        _check_range(to_float32(array, name), name)
    return array


def _check_shape(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.ndim not in (3, 4) or array.size == 0:
        raise ValueError(f"{name} must be [N, C, H, W] or [C, H, W]; was {list(array.shape)}")
    if array.shape[-3] not in _CHANNELS and array.shape[-1] in _CHANNELS:
        raise ValueError(
            f"{name} must be [N, C, H, W] or [C, H, W]; {list(array.shape)} seems to be "
            "[N, H, W, C]: use tweedie.images.from_nhwc()"
        )
    return array


def _check_range(array: FloatArray, name: str) -> None:
    low, high = float(array.min()), float(array.max())
    if low < -_CLEAN_LIMIT or high > _CLEAN_LIMIT:
        raise ValueError(
            f"{name} must be in [-1, 1]; was in [{low:.4g}, {high:.4g}]: use uint8 for 0 to 255, "
            "tweedie.images.from_unit() for [0, 1]"
        )


def as_batch(images: Sequence[FloatArray]) -> FloatArray:
    """Returns images [C, H, W] as one array [N, C, H, W]."""
    return np.stack(list(images))
