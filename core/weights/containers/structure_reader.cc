#include "core/weights/containers/structure_reader.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr int64_t kWindowBytes = int64_t{64} << 10;

}  // namespace

absl::StatusOr<std::string> StructureReader::Read(int64_t offset, int64_t count) {
  if (offset < 0 || count < 0 || offset > size() || count > size() - offset) {
    return absl::InvalidArgumentError(absl::StrCat("needs ", count, " bytes from byte ", offset,
                                                   ", but has ", size(), ": cut off or damaged"));
  }
  std::string bytes(static_cast<size_t>(count), '\0');
  RETURN_IF_ERROR(file_->ReadAt(offset, bytes.size(), bytes.data()));
  Sha256 sum;
  sum.Add(bytes);
  Remember(offset, offset + count, sum);
  return bytes;
}

void StructureReader::Remember(int64_t begin, int64_t end, const Sha256& sum) {
  if (begin == end) return;
  SeenRange& range = seen_.emplace_back(SeenRange{.begin = begin, .end = end});
  const std::string digest = absl::HexStringToBytes(sum.Hex());
  std::copy(digest.begin(), digest.end(), range.digest.begin());
}

SequentialReader::~SequentialReader() {
  sum_.Add(absl::string_view(window_).substr(0, taken()));
  reader_->Remember(begin_, next_, sum_);
}

absl::StatusOr<absl::string_view> SequentialReader::Take(int64_t count) {
  if (count < 0 || count > left()) {
    return absl::InvalidArgumentError(
        absl::StrCat("ends early: needs ", count, " bytes at byte ", position(), ", has ", left()));
  }
  if (count > filled_ - next_) RETURN_IF_ERROR(Fill(count));
  const absl::string_view bytes =
      absl::string_view(window_).substr(taken(), static_cast<size_t>(count));
  next_ += count;
  return bytes;
}

// Makes the window begin at the next byte and hold `count` bytes or more.
absl::Status SequentialReader::Fill(int64_t count) {
  sum_.Add(absl::string_view(window_).substr(0, taken()));
  window_.erase(0, taken());
  const size_t kept = window_.size();
  const int64_t wanted = std::min(std::max(count, kWindowBytes), left());
  window_.resize(static_cast<size_t>(wanted));
  RETURN_IF_ERROR(reader_->file_->ReadAt(filled_, window_.size() - kept, window_.data() + kept));
  filled_ = next_ + wanted;
  return absl::OkStatus();
}

}  // namespace tweedie
