#ifndef TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_
#define TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/row_pool.h"
#include "core/nn/unet.h"
#include "core/plan/row_runner.h"
#include "core/plan/team_choice.h"
#include "core/plan/unet_plan.h"

namespace tweedie {

// Strict mode, on the CPU, by a plan. Every row is computed by itself; threads have as
// many rows each, of which they take several through the plan together, and of what is
// left each row has several threads where that is faster. A row's bits depend on none of
// this. Not thread-safe.
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
  // By the network's modules, as RowParallelDenoiser does.
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override;

 private:
  PlannedDenoiser(std::unique_ptr<const plan::UnetPlan> plan, std::shared_ptr<nn::UnetImpl> network,
                  std::shared_ptr<RowPool> pool, const std::array<int64_t, 2>& image_size,
                  const Options& options);

  struct Call;  // the rows of one Predict()
  void Check(const DenoiserInput& input) const;
  Call MakeCall(const DenoiserInput& input) const;
  // Rows from `first` on, each by one thread.
  void RunAlone(const Call& call, int64_t first, int64_t count);
  // Likewise, by the calling thread, whose runners are those from `runner` on.
  void RunByOneThread(const Call& call, int64_t first, int64_t count, int64_t runner);
  // Likewise, at most as many as there are threads, each by several threads at once.
  void RunInTeams(const Call& call, int64_t first, int64_t count);
  // Makes the runner when it is first needed.
  void Begin(int64_t runner, const plan::Row& row);
  void RunRest(const Call& call, int64_t first, int64_t count);

  const std::array<int64_t, 2> image_size_;
  const int rows_together_;
  const std::unique_ptr<const plan::UnetPlan> plan_;
  const std::shared_ptr<RowPool> pool_;
  const int64_t in_channels_, out_channels_;
  RowParallelDenoiser by_modules_;
  std::vector<std::unique_ptr<plan::RowRunner>> runners_;  // rows_together_ a thread
  plan::TeamChoice team_choice_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_PLAN_PLANNED_DENOISER_H_
