#ifndef TWEEDIE_TESTS_TESTING_DIFFUSION_MODELS_H_
#define TWEEDIE_TESTS_TESTING_DIFFUSION_MODELS_H_

#include <array>
#include <cstdint>
#include <memory>

#include "core/diffusion/diffusion_model.h"

namespace tweedie {

// A model of `image_shape` with the schedule of `config`, which must be valid.
inline std::shared_ptr<DiffusionModel> MakeDiffusionModel(const std::array<int64_t, 3>& image_shape,
                                                          const SchedulerConfig& config = {}) {
  return std::make_shared<DiffusionModel>(
      DiffusionModel{image_shape, config, NoiseSchedule::Create(config).value()});
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_DIFFUSION_MODELS_H_
