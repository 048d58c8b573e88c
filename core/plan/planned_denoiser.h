#ifndef TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_
#define TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/row_pool.h"
#include "core/nn/unet.h"
#include "core/plan/plan_runner.h"
#include "core/plan/unet_plan.h"

namespace tweedie {

// Strict mode, on the CPU, by a plan: rows as PlanRunner has them, whose bits depend on
// nothing but the row. Not thread-safe.
class PlannedDenoiser final : public Denoiser {
 public:
  struct Options {
    // kFloat32, or kBfloat16 on a CPU that passes plan::CheckBfloat16Cpu().
    Precision precision = Precision::kFloat32;
    // How many rows a thread takes through the plan at once; by default as RowsTogether()
    // says.
    std::optional<int> rows_together = std::nullopt;
  };
  // For images of that height and width. UNIMPLEMENTED where the network has no plan; it is
  // then as it was. Otherwise its weights, which are float32, get the type of the precision,
  // for every holder of it.
  static absl::StatusOr<std::unique_ptr<PlannedDenoiser>> Make(
      std::shared_ptr<nn::UnetImpl> network, std::shared_ptr<RowPool> pool,
      const std::array<int64_t, 2>& image_size, const Options& options);

  at::Tensor Predict(const DenoiserInput& input) override;
  // In float32 by a plan with a backward pass, which the first call makes. In bfloat16 by the
  // network's modules, as RowParallelDenoiser does.
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override;

 private:
  PlannedDenoiser(std::shared_ptr<const plan::UnetPlan> plan, std::shared_ptr<nn::UnetImpl> network,
                  std::shared_ptr<RowPool> pool, const std::array<int64_t, 2>& image_size,
                  const Options& options);

  struct Rows;  // of one call
  void Check(const DenoiserInput& input) const;
  Rows MakeRows(const DenoiserInput& input) const;
  plan::PlanRunner MakeRunner(std::shared_ptr<const plan::UnetPlan> plan) const;
  plan::PlanRunner& GradientRunner();

  const std::array<int64_t, 2> image_size_;
  const Options options_;
  const std::shared_ptr<const plan::UnetPlan> plan_;
  const std::shared_ptr<RowPool> pool_;
  const int64_t in_channels_, out_channels_;
  RowParallelDenoiser by_modules_;
  plan::PlanRunner runner_;
  std::optional<plan::PlanRunner> gradient_runner_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_
