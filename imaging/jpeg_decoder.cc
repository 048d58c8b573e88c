#include "imaging/jpeg_decoder.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <vector>

// After <cstdio>, which it needs.
#include <jerror.h>
#include <jpeglib.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "imaging/image_limits.h"

namespace tweedie {
namespace {

// A progressive file may have any number of scans over all its pixels; real
// ones have about ten.
constexpr int kMaxScans = 100;

// libjpeg leaves by longjmp, which runs no destructors. So each function that
// calls setjmp has only trivial locals, and all that is owned is in JpegReader,
// which the caller destroys in the usual way.
struct JpegReader {
  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&decoder); }

  jpeg_decompress_struct decoder = {};
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX] = "";
  std::vector<JSAMPLE> row;
};

JpegReader* ReaderOf(j_common_ptr decoder) {
  return static_cast<JpegReader*>(decoder->client_data);
}

[[noreturn]] void OnError(j_common_ptr decoder) {
  JpegReader* reader = ReaderOf(decoder);
  decoder->err->format_message(decoder, reader->message);
  std::longjmp(reader->on_error, 1);
}

// A level below 0 is damage that libjpeg would patch up.
void OnMessage(j_common_ptr decoder, int level) {
  const int code = decoder->err->msg_code;
  const bool harmless = code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
  if (level < 0 && !harmless) OnError(decoder);
}

void OnProgress(j_common_ptr decoder) {
  JpegReader* reader = ReaderOf(decoder);
  if (reader->decoder.input_scan_number <= kMaxScans) return;
  std::snprintf(reader->message, sizeof(reader->message), "more than %d scans", kMaxScans);
  std::longjmp(reader->on_error, 1);
}

bool ReadHeader(absl::string_view bytes, JpegReader* reader) {
  reader->decoder.err = jpeg_std_error(&reader->errors);
  reader->decoder.client_data = reader;
  reader->errors.error_exit = OnError;
  reader->errors.emit_message = OnMessage;
  reader->progress.progress_monitor = OnProgress;
  if (setjmp(reader->on_error)) return false;
  jpeg_create_decompress(&reader->decoder);
  reader->decoder.progress = &reader->progress;
  jpeg_mem_src(&reader->decoder, reinterpret_cast<const unsigned char*>(bytes.data()),
               bytes.size());
  jpeg_read_header(&reader->decoder, TRUE);
  return true;
}

bool StartRows(JpegReader* reader) {
  if (setjmp(reader->on_error)) return false;
  reader->decoder.out_color_space =
      reader->decoder.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  reader->decoder.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&reader->decoder);
  return true;
}

bool ReadRow(JpegReader* reader) {
  if (setjmp(reader->on_error)) return false;
  JSAMPROW row = reader->row.data();
  jpeg_read_scanlines(&reader->decoder, &row, 1);
  return true;
}

bool Finish(JpegReader* reader) {
  if (setjmp(reader->on_error)) return false;
  jpeg_finish_decompress(&reader->decoder);
  return true;
}

absl::Status Malformed(const JpegReader& reader) {
  return absl::InvalidArgumentError(absl::StrCat("a malformed JPEG file: ", reader.message));
}

absl::Status CheckColors(const JpegReader& reader) {
  const J_COLOR_SPACE space = reader.decoder.jpeg_color_space;
  if (space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a JPEG file of ", reader.decoder.num_components,
                   " components that are neither grey, YCbCr nor RGB"));
}

}  // namespace

absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, const ImageLimits& limits) {
  JpegReader reader;
  if (!ReadHeader(bytes, &reader)) return Malformed(reader);
  RETURN_IF_ERROR(CheckSize(reader.decoder.image_width, reader.decoder.image_height, limits));
  RETURN_IF_ERROR(CheckColors(reader));
  if (!StartRows(&reader)) return Malformed(reader);
  Image image;
  image.width = static_cast<int>(reader.decoder.output_width);
  image.height = static_cast<int>(reader.decoder.output_height);
  image.channels = reader.decoder.output_components;
  reader.row.resize(static_cast<size_t>(image.width) * image.channels);
  image.pixels.reserve(reader.row.size() * image.height);
  for (int y = 0; y < image.height; ++y) {
    if (!ReadRow(&reader)) return Malformed(reader);
    image.pixels.insert(image.pixels.end(), reader.row.begin(), reader.row.end());
  }
  if (!Finish(&reader)) return Malformed(reader);
  return image;
}

}  // namespace tweedie
