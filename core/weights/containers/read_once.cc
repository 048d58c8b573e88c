#include "core/weights/containers/read_once.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <future>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr int64_t kChunkBytes = int64_t{4} << 20;

// A range that takes its part of every chunk: a target, or what was seen.
class Sink {
 public:
  explicit Sink(const ReadTarget* target)
      : begin_(target->range.begin), end_(begin_ + target->range.bytes), target_(target) {}
  explicit Sink(const SeenRange* seen) : begin_(seen->begin), end_(seen->end), seen_(seen) {}

  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  // Takes what belongs to it of the chunk at `offset`.
  void Take(int64_t offset, absl::string_view chunk) {
    const int64_t from = std::max(begin_, offset);
    const int64_t to = std::min(end_, offset + static_cast<int64_t>(chunk.size()));
    const absl::string_view part =
        chunk.substr(static_cast<size_t>(from - offset), static_cast<size_t>(to - from));
    if (seen_ != nullptr) {
      if (!sum_) sum_.emplace();
      sum_->Add(part);
      return;
    }
    if (target_->data != nullptr) {
      std::memcpy(target_->data + (from - begin_), part.data(), part.size());
    }
    if (target_->range.crc32) {
      crc_ = crc32_z(crc_, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    }
  }
  // To be asked when all was taken.
  absl::Status Check() const {
    if (seen_ != nullptr) {
      const std::string digest = absl::HexStringToBytes(sum_->Hex());
      if (std::equal(digest.begin(), digest.end(), seen_->digest.begin())) return absl::OkStatus();
      return absl::AbortedError("the file was changed while it was read");
    }
    if (target_->range.crc32.value_or(static_cast<uint32_t>(crc_)) == crc_) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(target_->range.name, " is damaged: its CRC-32 is wrong"));
  }

 private:
  int64_t begin_, end_;
  const ReadTarget* target_ = nullptr;
  const SeenRange* seen_ = nullptr;
  uLong crc_ = 0;
  std::optional<Sha256> sum_;
};

// In the order in which they begin. What is empty is checked at once.
absl::StatusOr<std::vector<Sink>> MakeSinks(const std::vector<ReadTarget>& targets,
                                            const std::vector<SeenRange>& seen) {
  std::vector<Sink> sinks;
  for (const ReadTarget& target : targets) {
    Sink sink(&target);
    if (target.range.bytes == 0) {
      RETURN_IF_ERROR(sink.Check());
    } else {
      sinks.push_back(std::move(sink));
    }
  }
  for (const SeenRange& range : seen) sinks.emplace_back(&range);
  std::sort(sinks.begin(), sinks.end(),
            [](const Sink& a, const Sink& b) { return a.begin() < b.begin(); });
  return sinks;
}

// Hands a chunk to all sinks that are open, and closes those that end in it.
absl::Status Distribute(int64_t offset, absl::string_view chunk, std::vector<Sink>* open) {
  const int64_t end = offset + static_cast<int64_t>(chunk.size());
  for (Sink& sink : *open) {
    sink.Take(offset, chunk);
    if (sink.end() <= end) RETURN_IF_ERROR(sink.Check());
  }
  open->erase(std::remove_if(open->begin(), open->end(),
                             [end](const Sink& sink) { return sink.end() <= end; }),
              open->end());
  return absl::OkStatus();
}

// Hashing takes as long as all else, so full chunks are hashed on a second thread.
absl::Status HashAndDistribute(int64_t offset, absl::string_view chunk, Sha256* sum,
                               std::vector<Sink>* open) {
  const bool full = static_cast<int64_t>(chunk.size()) == kChunkBytes;
  const std::future<void> hashed = std::async(full ? std::launch::async : std::launch::deferred,
                                              [sum, chunk] { sum->Add(chunk); });
  const absl::Status distributed = Distribute(offset, chunk, open);
  hashed.wait();
  return distributed;
}

}  // namespace

absl::StatusOr<std::string> ReadOnce(const ByteFile& file, const std::vector<ReadTarget>& targets,
                                     const std::vector<SeenRange>& seen) {
  ASSIGN_OR_RETURN(std::vector<Sink> sinks, MakeSinks(targets, seen));
  std::vector<Sink> open;
  size_t next = 0;
  Sha256 sum;
  std::string buffer(static_cast<size_t>(std::min(kChunkBytes, file.size())), '\0');
  for (int64_t offset = 0; offset < file.size(); offset += kChunkBytes) {
    const int64_t end = std::min(offset + kChunkBytes, file.size());
    const size_t count = static_cast<size_t>(end - offset);
    RETURN_IF_ERROR(file.ReadAt(offset, count, buffer.data()));
    const absl::string_view chunk = absl::string_view(buffer).substr(0, count);
    while (next < sinks.size() && sinks[next].begin() < end)
      open.push_back(std::move(sinks[next++]));
    RETURN_IF_ERROR(HashAndDistribute(offset, chunk, &sum, &open));
  }
  RETURN_IF_ERROR(file.CheckSize());
  return sum.Hex();
}

}  // namespace tweedie
