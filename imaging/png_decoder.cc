#include "imaging/png_decoder.h"

#include <png.h>

#include <bit>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "imaging/image_limits.h"

namespace tweedie {
namespace {

// libpng leaves by longjmp, which runs no destructors. So each function that
// calls setjmp has only trivial locals, and all that is owned is in PngReader,
// which the caller destroys in the usual way.
struct PngReader {
  explicit PngReader(absl::string_view file) : rest(file) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

  absl::string_view rest;  // not yet read
  char message[128] = "out of memory";
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::vector<uint16_t> samples;  // all channels, with alpha
  std::vector<png_bytep> rows;    // into `samples`
};

[[noreturn]] void OnError(png_structp png, png_const_charp text) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, text, sizeof(reader->message) - 1);
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep to, size_t size) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (size > reader->rest.size()) png_error(png, "the file ends early");
  std::memcpy(to, reader->rest.data(), size);
  reader->rest.remove_prefix(size);
}

bool Create(PngReader* reader) {
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, OnError, OnWarning);
  if (reader->png == nullptr) return false;
  reader->info = png_create_info_struct(reader->png);
  return reader->info != nullptr;
}

bool ReadHeader(PngReader* reader) {
  if (setjmp(png_jmpbuf(reader->png))) return false;
  png_set_read_fn(reader->png, reader, OnRead);
  // CheckSize() has better words for a size that is too large.
  png_set_user_limits(reader->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Reads no chunks but IHDR, PLTE, tRNS, IDAT and IEND: the others can be
  // made to expand to any size.
  png_set_keep_unknown_chunks(reader->png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader->png, reader->info);
  return true;
}

// Palettes to RGB, colour keys to alpha, and every sample to 16 bits in the
// machine's order: 8 bits become v * 257.
bool PrepareRows(PngReader* reader) {
  if (setjmp(png_jmpbuf(reader->png))) return false;
  png_set_expand_16(reader->png);
  if constexpr (std::endian::native == std::endian::little) png_set_swap(reader->png);
  png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  return true;
}

bool ReadRows(PngReader* reader) {
  if (setjmp(png_jmpbuf(reader->png))) return false;
  png_read_image(reader->png, reader->rows.data());
  png_read_end(reader->png, nullptr);
  return true;
}

void AllocateRows(PngReader* reader, size_t height, size_t samples_per_row) {
  reader->samples.resize(height * samples_per_row);
  for (size_t y = 0; y < height; ++y) {
    reader->rows.push_back(
        reinterpret_cast<png_bytep>(reader->samples.data() + y * samples_per_row));
  }
}

absl::Status Malformed(const PngReader& reader) {
  return absl::InvalidArgumentError(absl::StrCat("a malformed PNG file: ", reader.message));
}

// Drops the last of each pixel's `channels` samples, which must be the largest.
absl::Status DropOpaqueAlpha(size_t channels, std::vector<uint16_t>* samples) {
  const size_t num_pixels = samples->size() / channels;
  const uint16_t* from = samples->data();
  uint16_t* to = samples->data();
  for (size_t i = 0; i < num_pixels; ++i, from += channels, to += channels - 1) {
    if (from[channels - 1] != 65535) {
      return absl::InvalidArgumentError("a PNG file with transparent pixels; alpha must be opaque");
    }
    std::memmove(to, from, (channels - 1) * sizeof(uint16_t));
  }
  samples->resize(num_pixels * (channels - 1));
  return absl::OkStatus();
}

absl::StatusOr<Image> TakeImage(PngReader* reader, int bit_depth) {
  Image image;
  image.width = static_cast<int>(png_get_image_width(reader->png, reader->info));
  image.height = static_cast<int>(png_get_image_height(reader->png, reader->info));
  image.channels = png_get_channels(reader->png, reader->info);
  image.pixels = std::move(reader->samples);
  if (image.channels % 2 == 0) {
    RETURN_IF_ERROR(DropOpaqueAlpha(image.channels, &image.pixels));
    --image.channels;
  }
  if (bit_depth == 16) {
    image.max_value = 65535;
  } else {
    for (uint16_t& v : image.pixels) v = static_cast<uint16_t>(v / 257);
  }
  return image;
}

}  // namespace

absl::StatusOr<Image> DecodePng(absl::string_view bytes, const ImageLimits& limits) {
  PngReader reader(bytes);
  if (!Create(&reader) || !ReadHeader(&reader)) return Malformed(reader);
  const png_uint_32 height = png_get_image_height(reader.png, reader.info);
  RETURN_IF_ERROR(CheckSize(png_get_image_width(reader.png, reader.info), height, limits));
  const int bit_depth = png_get_bit_depth(reader.png, reader.info);
  if (!PrepareRows(&reader)) return Malformed(reader);
  AllocateRows(&reader, height, png_get_rowbytes(reader.png, reader.info) / sizeof(uint16_t));
  if (!ReadRows(&reader)) return Malformed(reader);
  return TakeImage(&reader, bit_depth);
}

}  // namespace tweedie
