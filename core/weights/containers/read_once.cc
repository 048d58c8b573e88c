#include "core/weights/containers/read_once.h"

#include <zlib.h>

#include <algorithm>
#include <array>
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
// The kernel reads so far ahead: a disk is kept busy while a chunk is hashed.
constexpr int64_t kPrefetchBytes = 4 * kChunkBytes;

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

// The file's chunks in turn. Two are in memory: one is used, the next is read.
class Chunks {
 public:
  explicit Chunks(const ByteFile& file) : file_(file) {
    const auto size = static_cast<size_t>(std::min(kChunkBytes, file.size()));
    for (std::string& buffer : buffers_) buffer.resize(size);
  }
  // Reads the chunk at `offset`, which stays until the next but one is read.
  absl::StatusOr<absl::string_view> Read(int64_t offset) {
    const int64_t count = std::min(kChunkBytes, file_.size() - offset);
    file_.Prefetch(offset + count, kPrefetchBytes);
    std::string& buffer = buffers_[offset / kChunkBytes % 2];
    RETURN_IF_ERROR(file_.ReadAt(offset, static_cast<size_t>(count), buffer.data()));
    return absl::string_view(buffer).substr(0, static_cast<size_t>(count));
  }

 private:
  const ByteFile& file_;
  std::array<std::string, 2> buffers_;
};

// Hands the chunks to the sinks, in order, and hashes them.
class Reader {
 public:
  Reader(const ByteFile& file, std::vector<Sink> sinks)
      : file_(file), chunks_(file), sinks_(std::move(sinks)) {}

  absl::StatusOr<std::string> Run() {
    if (file_.size() > 0) {
      ASSIGN_OR_RETURN(chunk_, chunks_.Read(0));
    }
    for (int64_t offset = 0; offset < file_.size(); offset += kChunkBytes) {
      RETURN_IF_ERROR(Pass(offset));
    }
    RETURN_IF_ERROR(file_.CheckSize());
    return sum_.Hex();
  }

 private:
  // Hashing takes as long as all else: full chunks are hashed on a second thread
  // while they are copied and the next is read.
  absl::Status Pass(int64_t offset) {
    const bool full = static_cast<int64_t>(chunk_.size()) == kChunkBytes;
    const std::future<void> hashed = std::async(full ? std::launch::async : std::launch::deferred,
                                                [this, chunk = chunk_] { sum_.Add(chunk); });
    const absl::Status taken = TakeAndReadNext(offset);
    hashed.wait();
    return taken;
  }
  absl::Status TakeAndReadNext(int64_t offset) {
    const int64_t end = offset + static_cast<int64_t>(chunk_.size());
    while (next_ < sinks_.size() && sinks_[next_].begin() < end) {
      open_.push_back(std::move(sinks_[next_++]));
    }
    RETURN_IF_ERROR(Distribute(offset, chunk_, &open_));
    if (end == file_.size()) return absl::OkStatus();
    ASSIGN_OR_RETURN(chunk_, chunks_.Read(end));
    return absl::OkStatus();
  }

  const ByteFile& file_;
  Chunks chunks_;
  std::vector<Sink> sinks_, open_;  // those of sinks_ from next_ on are still to come
  size_t next_ = 0;
  absl::string_view chunk_;
  Sha256 sum_;
};

}  // namespace

absl::StatusOr<std::string> ReadOnce(const ByteFile& file, const std::vector<ReadTarget>& targets,
                                     const std::vector<SeenRange>& seen) {
  ASSIGN_OR_RETURN(std::vector<Sink> sinks, MakeSinks(targets, seen));
  return Reader(file, std::move(sinks)).Run();
}

}  // namespace tweedie
