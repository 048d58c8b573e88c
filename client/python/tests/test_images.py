"""Conversions, and what their shapes and values must be."""

import io

import numpy as np
import pytest
from PIL import Image

from tweedie import images
from tweedie.v1 import tensor_pb2


def picture(mode: str = "L") -> Image.Image:
    values = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
    return Image.fromarray(values).convert(mode)


def test_bytes_become_the_range_of_the_model() -> None:
    values = np.array([0, 51, 255], np.uint8)
    np.testing.assert_array_equal(images.from_uint8(values), np.float32([-1, -0.6, 1]))
    assert images.from_uint8(values).dtype == np.float32


def test_all_bytes_survive_both_ways() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    np.testing.assert_array_equal(images.to_uint8(images.from_uint8(values)), values)


def test_values_are_clamped_and_halves_go_to_even() -> None:
    assert images.to_uint8(np.float32([[[0.0]]])).ravel().tolist() == [128]  # 127.5
    assert images.to_uint8(np.float32([[[-3.0, 3.0]]])).ravel().tolist() == [0, 255]


def test_unit_range() -> None:
    np.testing.assert_array_equal(images.from_unit([0.0, 0.5, 1.0]), np.float32([-1, 0, 1]))
    np.testing.assert_array_equal(images.to_unit([-1.0, 0.0, 1.0]), np.float32([0, 0.5, 1]))


def test_layouts() -> None:
    nchw = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    nhwc = images.to_nhwc(nchw)
    assert nhwc.shape == (2, 4, 5, 3)
    np.testing.assert_array_equal(images.from_nhwc(nhwc), nchw)


@pytest.mark.parametrize("shape", [(32, 32), (1, 1, 1, 32, 32), (0, 1, 32, 32)])
def test_other_shapes_are_refused(shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"guide must be \[N, C, H, W\] or \[C, H, W\]; was"):
        images.make_images(np.zeros(shape), "guide")


@pytest.mark.parametrize("shape", [(32, 32, 1), (2, 32, 32, 3)])
def test_channels_last_are_noticed(shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"seems to be \[N, H, W, C\]: use .*from_nhwc"):
        images.make_images(np.zeros(shape), "guide")


def test_a_clean_image_in_another_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reference must be in \[-1, 1\]; was in \[0, 255\]"):
        images.make_images(np.array([[[0.0, 255.0]]]), "reference", clean=True)
    images.make_images(np.array([[[0.0, 255.0]]]), "images")  # a noisy one may be so


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_must_be_finite_in_float32(value: float) -> None:
    with pytest.raises(ValueError, match="y must be finite"):
        images.to_tensor(np.array([value]), "y")


def test_complex_numbers_are_no_images() -> None:
    with pytest.raises(TypeError, match="y must hold real numbers; was of type complex"):
        images.to_tensor(np.array([1j]), "y")


def test_floats_travel_exactly() -> None:
    values = np.random.default_rng(1).normal(size=(2, 1, 4, 4)).astype(np.float32)
    tensor = images.to_tensor(values.transpose(0, 1, 3, 2), "x")  # not contiguous
    assert tensor.data_type == tensor_pb2.Tensor.FLOAT32
    np.testing.assert_array_equal(images.from_tensor(tensor), values.transpose(0, 1, 3, 2))


def test_bytes_travel_as_bytes() -> None:
    tensor = images.to_tensor(np.zeros((1, 2, 2), np.uint8), "x")
    assert tensor.data_type == tensor_pb2.Tensor.UINT8
    assert tensor.data == bytes(4)


@pytest.mark.parametrize("kind", ["picture", "bytes", "path", "text"])
def test_pictures_travel_as_files(kind: str, tmp_path: object) -> None:
    path = tmp_path / "x.png"  # type: ignore[operator]
    picture().save(path)
    given = {"picture": picture(), "bytes": path.read_bytes(), "path": path, "text": str(path)}
    message = images.make_images([given[kind], given[kind]], "images")
    assert len(message.encoded.files) == 2
    decoded = Image.open(io.BytesIO(message.encoded.files[0]))
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(picture()))


def test_messages_of_files_become_arrays() -> None:
    message = images.make_images([picture("RGB")], "images")
    array = images.from_images(message)
    assert array.shape == (1, 3, 32, 32)
    np.testing.assert_array_equal(array[0, 0], images.from_uint8(np.asarray(picture())))


def test_a_list_of_arrays_is_a_batch() -> None:
    message = images.make_images([np.zeros((1, 4, 4)), np.ones((1, 4, 4))], "images")
    assert list(message.tensor.shape) == [2, 1, 4, 4]


def test_deep_pictures_keep_their_depth() -> None:
    deep = Image.fromarray(np.array([[0, 65535]], np.uint16))
    np.testing.assert_array_equal(images.picture_array(deep, "y"), np.float32([[[[-1, 1]]]]))


def test_pictures_of_one_measurement_are_of_one_size() -> None:
    with pytest.raises(ValueError, match="pictures of y must be of one size"):
        images.picture_array([picture(), picture().resize((16, 16))], "y")


def test_transparent_pictures_are_refused() -> None:
    clear = picture("RGBA")
    clear.putalpha(10)
    with pytest.raises(ValueError, match="opaque"):
        images.picture_array(clear, "y")
    assert images.picture_array(picture("RGBA"), "y").shape == (1, 3, 32, 32)


def test_pictures_out() -> None:
    grey, colour = np.zeros((2, 1, 4, 4)), np.zeros((3, 4, 4))
    assert [one.mode for one in images.to_pil(grey)] == ["L", "L"]
    assert [one.mode for one in images.to_pil(colour)] == ["RGB"]
    with pytest.raises(ValueError, match="1 or 3 channels; the images have 2"):
        images.to_pil(np.zeros((2, 4, 4)))


class TensorOfAnotherDevice:
    """What torch's tensors ask for: to be detached and copied before NumPy may see them."""

    dtype = "float32"
    steps = ("detach", "cpu", "numpy")

    def __init__(self, done: tuple = ()) -> None:
        self.done = done

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError("can't convert a device's tensor")

    def detach(self) -> "TensorOfAnotherDevice":
        return TensorOfAnotherDevice((*self.done, "detach"))

    def cpu(self) -> "TensorOfAnotherDevice":
        return TensorOfAnotherDevice((*self.done, "cpu"))

    def numpy(self) -> np.ndarray:
        assert self.done == ("detach", "cpu")
        return np.ones((1, 2, 2), np.float32)


def test_tensors_are_detached_and_copied_from_their_device() -> None:
    np.testing.assert_array_equal(images.to_array(TensorOfAnotherDevice()), np.ones((1, 2, 2)))


def test_torch_both_ways() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.linspace(-1, 1, 8).reshape(1, 1, 2, 4).requires_grad_()
    array = images.to_float32(tensor, "x")
    assert torch.equal(images.to_torch(array), tensor.detach())
    half = images.to_float32(tensor.to(torch.bfloat16), "x")
    np.testing.assert_allclose(half, array, atol=0.01)
    assert list(images.make_images(tensor, "x").tensor.shape) == [1, 1, 2, 4]
