#include "imaging/animation.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr char kSignature[] = "\x89PNG\r\n\x1a\n";
constexpr size_t kHeaderSize = 13;  // of IHDR

// What is kept of a frame's file.
struct Pieces {
  absl::string_view header;             // of IHDR
  std::vector<absl::string_view> data;  // of each IDAT
};

std::string BigEndian(uint32_t value, int num_bytes) {
  std::string bytes;
  for (int shift = 8 * (num_bytes - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
  return bytes;
}

uint32_t ReadBigEndian32(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

void AppendChunk(absl::string_view type, absl::string_view data, std::string* file) {
  const std::string body = absl::StrCat(type, data);
  const auto* bytes = reinterpret_cast<const Bytef*>(body.data());
  const uLong crc = crc32(crc32(0, nullptr, 0), bytes, static_cast<uInt>(body.size()));
  absl::StrAppend(file, BigEndian(static_cast<uint32_t>(data.size()), 4), body,
                  BigEndian(static_cast<uint32_t>(crc), 4));
}

absl::StatusOr<Pieces> Split(absl::string_view png) {
  if (!absl::StartsWith(png, kSignature)) return absl::InvalidArgumentError("a frame is no PNG");
  Pieces pieces;
  png.remove_prefix(sizeof(kSignature) - 1);
  while (png.size() >= 12) {
    const uint32_t size = ReadBigEndian32(png);
    if (size > png.size() - 12) break;
    const absl::string_view type = png.substr(4, 4);
    if (type == "IHDR") pieces.header = png.substr(8, size);
    if (type == "IDAT") pieces.data.push_back(png.substr(8, size));
    png.remove_prefix(size + 12);
  }
  if (pieces.header.size() != kHeaderSize || pieces.data.empty() || !png.empty()) {
    return absl::InvalidArgumentError("a frame is a malformed PNG");
  }
  return pieces;
}

std::string FrameControl(uint32_t sequence, absl::string_view header, int delay_ms) {
  const uint32_t delay = static_cast<uint32_t>(std::clamp(delay_ms, 0, 65535));
  return absl::StrCat(BigEndian(sequence, 4), header.substr(0, 8),  // width, height
                      BigEndian(0, 4), BigEndian(0, 4),             // x, y
                      BigEndian(delay, 2), BigEndian(1000, 2),      // numerator, denominator
                      BigEndian(0, 1), BigEndian(0, 1));            // keep, overwrite
}

// Appends frame `pieces`, and advances `sequence` by the numbers it takes.
void AppendFrame(const Pieces& pieces, int delay_ms, uint32_t* sequence, std::string* file) {
  const bool first = *sequence == 0;
  AppendChunk("fcTL", FrameControl((*sequence)++, pieces.header, delay_ms), file);
  for (absl::string_view data : pieces.data) {
    if (first) {
      AppendChunk("IDAT", data, file);
    } else {
      AppendChunk("fdAT", absl::StrCat(BigEndian((*sequence)++, 4), data), file);
    }
  }
}

}  // namespace

absl::StatusOr<std::string> MakeAnimation(const std::vector<AnimationFrame>& frames) {
  if (frames.empty()) return absl::InvalidArgumentError("an animation of no frames");
  ASSIGN_OR_RETURN(const Pieces first, Split(frames.front().png));
  std::string file = kSignature;
  AppendChunk("IHDR", first.header, &file);
  AppendChunk("acTL",
              absl::StrCat(BigEndian(static_cast<uint32_t>(frames.size()), 4), BigEndian(0, 4)),
              &file);
  uint32_t sequence = 0;
  for (const AnimationFrame& frame : frames) {
    ASSIGN_OR_RETURN(const Pieces pieces, Split(frame.png));
    if (pieces.header != first.header) {
      return absl::InvalidArgumentError("frames of an animation differ in size or colours");
    }
    AppendFrame(pieces, frame.delay_ms, &sequence, &file);
  }
  AppendChunk("IEND", "", &file);
  return file;
}

}  // namespace tweedie
