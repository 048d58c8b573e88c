#ifndef TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_
#define TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/weights/model.h"

namespace tweedie {

// What is known of one model of the repository.
struct ModelEntry {
  std::string name;
  // Null if it could not be loaded; `error` then says why.
  std::shared_ptr<const LoadedModel> model;
  absl::Status error;
  absl::Time load_time;
};

// The models of a folder: each folder DIR/NAME is `models/NAME`, NAME
// `[a-z0-9][a-z0-9._-]{0,62}`; other names become FAILED entries as well. One
// that fails to load disturbs no other. Immutable after Load, hence
// thread-safe.
class ModelRepository {
 public:
  // NOT_FOUND if `dir` is not a folder, FAILED_PRECONDITION if it holds none.
  static absl::StatusOr<ModelRepository> Load(const std::string& dir);

  // By name.
  const std::vector<ModelEntry>& entries() const { return entries_; }
  // Null if there is no such model.
  const ModelEntry* Find(absl::string_view name) const;

 private:
  std::vector<ModelEntry> entries_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_
