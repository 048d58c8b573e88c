#ifndef TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_
#define TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/weights/model.h"

namespace tweedie {

// What is known of one model of the repository. Immutable.
struct ModelEntry {
  std::string name;
  // Null if it could not be read; `error` then says why.
  std::shared_ptr<const ModelDescription> model;
  // Beside a `model`: why what its files have become since cannot be read.
  absl::Status error;
  absl::Time read_time;
  std::string path;   // its folder or file of weights
  std::string files;  // DescribeFiles() of those that `model` was read from
};

// The models of a folder: each folder DIR/NAME, and each file of weights DIR/NAME.pt
// and the like, is `models/NAME`, NAME `[a-z0-9][a-z0-9._-]{0,62}`; other names, and
// those that two have, become entries with an error as well. One that cannot be read
// disturbs no other. Files may change at any time: what is
// published was read whole between two looks that found the same files. Thread-safe.
class ModelRepository {
 public:
  using Entry = std::shared_ptr<const ModelEntry>;
  // Is given each model that was read with its weights, or why it could not be. Returns
  // that, or why what was read cannot be served: then it counts as not read.
  using Read = absl::StatusOr<std::shared_ptr<const LoadedModel>>;
  using OnRead = std::function<absl::Status(const std::string& name, Read read)>;

  // Reads all of them. NOT_FOUND if `dir` is not a folder, FAILED_PRECONDITION if it
  // holds none.
  static absl::StatusOr<std::unique_ptr<ModelRepository>> Open(const std::string& dir,
                                                               const OnRead& on_read);
  // As Open(), for who needs no weights.
  static absl::StatusOr<std::unique_ptr<ModelRepository>> Open(const std::string& dir);

  // Looks for what is new, has changed or has gone; what changed is read once it has
  // stayed the same from one look to the next. A model whose changed files cannot be
  // read stays as it was, with the error beside it. Takes as long as reading takes.
  absl::Status Look(const OnRead& on_read) ABSL_LOCKS_EXCLUDED(look_mu_, mu_);
  // The weights of a model as the entry describes it: UNAVAILABLE if the
  // files have changed since, which the next looks will find. NOT_FOUND if it is
  // not one of the models.
  absl::StatusOr<std::shared_ptr<const LoadedModel>> ReadWeights(absl::string_view name) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // By name.
  std::vector<Entry> entries() const ABSL_LOCKS_EXCLUDED(mu_);
  // Null if there is no such model.
  Entry Find(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The files of one model as they were.
  struct Seen {
    std::optional<std::string> last;  // at the last look
    std::optional<std::string> read;  // when they were read
  };

  explicit ModelRepository(std::string dir) : dir_(std::move(dir)) {}
  absl::Status Look(bool at_start, const OnRead& on_read) ABSL_LOCKS_EXCLUDED(look_mu_, mu_);
  void LookAt(const std::string& name, const std::string& path, bool at_start,
              const OnRead& on_read) ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ReadFiles(const std::string& name, const std::string& path, Seen& seen,
                 const OnRead& on_read) ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Publish(ModelEntry entry) ABSL_LOCKS_EXCLUDED(mu_);
  // Those that are no longer there.
  void Forget(const std::map<std::string, std::string>& present)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mu_) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string dir_;
  absl::Mutex look_mu_;  // held while files are read
  std::map<std::string, Seen> seen_ ABSL_GUARDED_BY(look_mu_);
  mutable absl::Mutex mu_;
  std::map<std::string, Entry, std::less<>> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_REPOSITORY_H_
