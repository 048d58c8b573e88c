#ifndef TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_
#define TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/diffusion/denoiser.h"
#include "core/engine/batch_sizes.h"
#include "core/weights/model_repository.h"
#include "server/runner/device.h"

namespace tweedie {

// The networks in memory, on one device. Weights are read at the start, and again
// when a job needs a model that had to go: one that no job uses goes when another
// needs its memory, or when it was idle for long. A model whose files change is
// read anew; jobs that run keep the weights that they began with, and these go with
// the last of them. Thread-safe.
class ModelPool {
 public:
  struct Options {
    DeviceOptions device;
    int64_t max_bytes = 0;  // of all WeightBytes() in memory; 0 for no limit
    // How long a model stays that no job uses.
    absl::Duration idle = absl::InfiniteDuration();
  };
  // A network that stays in memory while somebody holds this.
  struct Resident {
    std::shared_ptr<const LoadedModel> model;
    std::unique_ptr<Denoiser> denoiser;
    int64_t weight_bytes = 0;  // WeightBytes()
    // Never null; empty until it is known what calls cost.
    std::unique_ptr<SharedBatchSizes> sizes = std::make_unique<SharedBatchSizes>();
  };

  // Reads the models of the folder `dir`; errors are those of ModelRepository::Open().
  // FAILED_PRECONDITION if the device fails. `clock` outlives the pool.
  static absl::StatusOr<std::unique_ptr<ModelPool>> Open(const std::string& dir, Options options,
                                                         const Clock* clock);

  // What is known of the models, in memory or not.
  const ModelRepository& models() const { return *models_; }
  // The models that jobs may be begun with now: in memory, or with room for them.
  std::vector<std::string> Available() const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsResident(const std::string& name) const ABSL_LOCKS_EXCLUDED(mu_);
  // All networks in memory, but for those that were replaced.
  std::vector<std::shared_ptr<const Resident>> InMemory() const ABSL_LOCKS_EXCLUDED(mu_);

  // Its network, read if it is not in memory. NOT_FOUND if there is no such model,
  // RESOURCE_EXHAUSTED if there is no room now, UNAVAILABLE if its files are being
  // changed, or what reading them says.
  absl::StatusOr<std::shared_ptr<const Resident>> Acquire(const std::string& name)
      ABSL_LOCKS_EXCLUDED(load_mu_, mu_);
  // Looks for files that changed, and unloads what was idle for too long.
  absl::Status Look() ABSL_LOCKS_EXCLUDED(load_mu_, mu_);

 private:
  using Shared = std::shared_ptr<const Resident>;
  struct Slot {
    Shared resident;
    absl::Time last_use;
  };
  using Slots = std::map<std::string, Slot>;

  ModelPool(Options options, const Clock* clock)
      : options_(std::move(options)), clock_(clock), rows_(MakeRowPool(options_.device)) {}
  // Takes in what the repository has read, if there is room. INVALID_ARGUMENT if there
  // never will be.
  absl::Status Offer(const std::string& name, ModelRepository::Read read)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(load_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status TakeIn(std::shared_ptr<const LoadedModel> model)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(load_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Shared> Place(std::shared_ptr<const LoadedModel> model)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(load_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  // Null if it is not in memory.
  Shared Use(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);
  // What WeightBytes() was when it was last read and could be served; nullopt if it has gone.
  std::optional<int64_t> KnownBytes(const std::string& name) const ABSL_LOCKS_EXCLUDED(mu_);
  bool HasRoom(int64_t bytes) const ABSL_LOCKS_EXCLUDED(mu_);
  bool Fits(int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Unloads idle models until there is room for so many bytes.
  absl::Status MakeRoom(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  void UnloadIdle() ABSL_LOCKS_EXCLUDED(mu_);
  // What is in memory under a name that the repository has no longer.
  void UnloadForgotten() ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the memory back of those that jobs have let go of.
  void ReclaimRetired() ABSL_LOCKS_EXCLUDED(mu_);
  // The model that was idle longest; end() if none is.
  Slots::iterator LongestIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Shared TakeOut(Slots::iterator slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of all weights in memory, and of those that cannot be unloaded now.
  int64_t Bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t BusyBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const Clock* const clock_;
  const std::shared_ptr<RowPool> rows_;
  std::unique_ptr<ModelRepository> models_;
  absl::Mutex load_mu_;  // held while weights are read
  mutable absl::Mutex mu_;
  Slots slots_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> bytes_ ABSL_GUARDED_BY(mu_);  // of models in memory or not
  // Replaced or gone, and perhaps used still.
  std::vector<std::weak_ptr<const Resident>> retired_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_
