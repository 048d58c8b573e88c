// ParseShardIndex() of any bytes: files have plain names.
#include "core/weights/containers/shard_index.h"
#include "tests/fuzz/check_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto shards =
      tweedie::ParseShardIndex(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!shards.ok()) return 0;
  for (const auto& [file, names] : *shards) {
    tweedie::Require(!names.empty() && file != "." && file != ".." &&
                     file.find('/') == std::string::npos);
  }
  return 0;
}
