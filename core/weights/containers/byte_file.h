#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_BYTE_FILE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_BYTE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Bytes that are read from anywhere. Reading is thread-safe.
class ByteFile {
 public:
  virtual ~ByteFile() = default;
  // Bytes of the file when it was opened.
  virtual int64_t size() const = 0;
  // Fills `out` with the `count` bytes from `offset`; offset + count is at most
  // size(). ABORTED if the file has become shorter meanwhile.
  virtual absl::Status ReadAt(int64_t offset, size_t count, char* out) const = 0;
  // ABORTED if the file now has another size than when it was opened.
  virtual absl::Status CheckSize() const = 0;
  // A hint: `count` bytes from `offset` will be read soon. Returns at once.
  virtual void Prefetch(int64_t /*offset*/, int64_t /*count*/) const {}
};

// Opens a regular file of at most `max_bytes`. NOT_FOUND, PERMISSION_DENIED, or
// INVALID_ARGUMENT if it is larger or no regular file; messages name the path.
// With `follow` false, nor may the last part of the path be a symbolic link.
absl::StatusOr<std::unique_ptr<ByteFile>> OpenByteFile(const std::string& path, int64_t max_bytes,
                                                       bool follow = true);

// Bytes in memory, which must outlive it.
class MemoryFile final : public ByteFile {
 public:
  explicit MemoryFile(absl::string_view bytes) : bytes_(bytes) {}
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  absl::Status ReadAt(int64_t offset, size_t count, char* out) const override;
  absl::Status CheckSize() const override { return absl::OkStatus(); }

 private:
  const absl::string_view bytes_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_BYTE_FILE_H_
