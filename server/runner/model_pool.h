#ifndef TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_
#define TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/denoiser.h"
#include "core/weights/model_repository.h"

namespace tweedie {

// How networks are evaluated: kStrict gives every row the bits that it has
// alone, whatever shares its call; kFast lets LibTorch batch (docs/adr).
enum class Reproducibility { kStrict, kFast };

struct DeviceOptions {
  std::string device = "cpu";  // or "cuda:N"
  Reproducibility reproducibility = Reproducibility::kStrict;
  int num_threads = 1;  // of the CPU
};

// FAILED_PRECONDITION, saying why, for a device that is not there, or for
// strict reproducibility on one where it cannot be promised.
absl::Status CheckDevice(const DeviceOptions& options);

// The denoisers of all loaded models, resident on one device. The engine thread
// uses them; looking them up is thread-safe.
class ModelPool {
 public:
  struct Resident {
    std::shared_ptr<const LoadedModel> model;
    std::unique_ptr<Denoiser> denoiser;
  };
  // FAILED_PRECONDITION if the device fails.
  static absl::StatusOr<ModelPool> Load(const ModelRepository& models,
                                        const DeviceOptions& options);

  // Null if the model is not resident.
  const Resident* Find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Resident> resident_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_MODEL_POOL_H_
