#ifndef TWEEDIE_TESTS_UNIT_IMAGING_TEST_FILES_H_
#define TWEEDIE_TESTS_UNIT_IMAGING_TEST_FILES_H_

#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "imaging/image.h"

namespace tweedie {

// What a PNG file holds, as stored. Writing uses libpng's own writer, which is
// not what is tested.
struct PngFile {
  int width = 1;
  int height = 1;
  int bit_depth = 8;
  int color_type = PNG_COLOR_TYPE_GRAY;
  std::vector<std::vector<uint8_t>> rows = {};  // packed as the file has them
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  int interlace = PNG_INTERLACE_NONE;
  bool has_grey_key = false;  // tRNS of a grey file
  uint16_t grey_key = 0;
};

inline std::string WritePngFile(PngFile file) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(p))
            ->append(reinterpret_cast<const char*>(data), size);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(file.width),
               static_cast<png_uint_32>(file.height), file.bit_depth, file.color_type,
               file.interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!file.palette.empty()) {
    png_set_PLTE(png, info, file.palette.data(), static_cast<int>(file.palette.size()));
  }
  if (!file.palette_alpha.empty()) {
    png_set_tRNS(png, info, file.palette_alpha.data(), static_cast<int>(file.palette_alpha.size()),
                 nullptr);
  }
  if (file.has_grey_key) {
    png_color_16 key = {};
    key.gray = file.grey_key;
    png_set_tRNS(png, info, nullptr, 0, &key);
  }
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (std::vector<uint8_t>& row : file.rows) rows.push_back(row.data());
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

inline std::string WriteJpegFile(const Image& image, int quality = 95, bool progressive = false) {
  jpeg_compress_struct encoder = {};
  jpeg_error_mgr errors = {};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &data, &size);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = image.channels;
  encoder.in_color_space = image.channels == 3   ? JCS_RGB
                           : image.channels == 4 ? JCS_CMYK
                                                 : JCS_GRAYSCALE;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  if (progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<JSAMPLE> pixels(image.pixels.begin(), image.pixels.end());
  for (int y = 0; y < image.height; ++y) {
    JSAMPROW row = &pixels[static_cast<size_t>(y) * image.width * image.channels];
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::free(data);
  return bytes;
}

// One chunk of a PNG file.
struct PngChunk {
  std::string type;
  std::string data;
  bool crc_ok = false;
};

inline uint32_t ReadUint32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return value;
}

// The chunks after the signature; throws std::out_of_range on a broken file.
inline std::vector<PngChunk> ParsePngChunks(const std::string& file) {
  std::vector<PngChunk> chunks;
  for (size_t at = 8; at < file.size();) {
    const uint32_t size = ReadUint32(file, at);
    PngChunk chunk{file.substr(at + 4, 4), file.substr(at + 8, size), false};
    const uint32_t crc = ReadUint32(file, at + 8 + size);
    chunk.crc_ok = crc == crc32(0, reinterpret_cast<const Bytef*>(&file[at + 4]), size + 4);
    chunks.push_back(chunk);
    at += 12 + size;
  }
  return chunks;
}

inline void AppendPngChunk(const std::string& type, const std::string& data, std::string* file) {
  const auto append = [file](uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) file->push_back(static_cast<char>(v >> shift));
  };
  const std::string body = type + data;
  append(static_cast<uint32_t>(data.size()));
  file->append(body);
  append(static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

// A picture whose pixels all differ a little from their neighbours.
inline Image MakeGradient(int width, int height, int channels, int max_value = 255) {
  Image image{width, height, channels, max_value, {}};
  for (int i = 0; i < width * height * channels; ++i) {
    image.pixels.push_back(static_cast<uint16_t>((i * 37 + 11) % (max_value + 1)));
  }
  return image;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_IMAGING_TEST_FILES_H_
