#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_FILE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_FILE_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/weights/containers/byte_file.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// One open file of weights whose structure is known.
struct CheckpointFile {
  std::string path;  // for messages
  std::string name;  // without its folder
  std::unique_ptr<ByteFile> file;
  std::unique_ptr<StructureReader> structure;
  FileLayout layout;
};

// Opens a file, or the shards that `path`, an `*.index.json`, names, in the order
// of their names. Errors are those of ReadCheckpoint(), and name the file.
absl::StatusOr<std::vector<CheckpointFile>> OpenCheckpointFiles(const std::string& path);

// Whether `path` is that of an index of shards.
bool IsShardIndex(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_FILE_H_
