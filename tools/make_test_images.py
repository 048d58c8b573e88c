#!/usr/bin/env python3
"""Writes the first images of Fashion-MNIST as PNG files for demos, tables and tuning.

usage: make_test_images.py OUT [--count 256] [--set test|train]

Reads Debian's package dataset-fashion-mnist (apt-get install it). Each image is
padded from 28 to 32 pixels with 0, which stands for -1, as the default model was
trained. The standard library is enough, and the bytes are always the same.
"""
import argparse
import gzip
import pathlib
import struct
import zlib

FOLDER = pathlib.Path("/usr/share/datasets")
FILES = {"test": "t10k-images-idx3-ubyte.gz", "train": "train-images-idx3-ubyte.gz"}
PAD = 2


def read_idx(path):
    """Returns (height, width, list of images as bytes) of an IDX file."""
    with gzip.open(path, "rb") as file:
        magic, count, height, width = struct.unpack(">IIII", file.read(16))
        if magic != 0x803:
            raise SystemExit(f"{path}: not an IDX file of images (magic {magic:#x})")
        return height, width, [file.read(height * width) for _ in range(count)]


def pad(image, height, width):
    """Returns the rows of `image` with PAD zero pixels on each side."""
    blank = bytes(width + 2 * PAD)
    side = bytes(PAD)
    rows = [side + image[y * width:(y + 1) * width] + side for y in range(height)]
    return [blank] * PAD + rows + [blank] * PAD


def png(rows):
    """Returns an 8-bit grey PNG of `rows`."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--set", choices=FILES, default="test")
    args = parser.parse_args()
    height, width, images = read_idx(next(FOLDER.rglob(FILES[args.set])))
    args.out.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images[:args.count]):
        (args.out / f"{i:04d}.png").write_bytes(png(pad(image, height, width)))


if __name__ == "__main__":
    main()
