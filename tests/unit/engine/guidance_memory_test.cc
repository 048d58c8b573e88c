// How much memory a guided job takes, by LibTorch's own allocator.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/engine.h"
#include "core/methods/make_method.h"
#include "core/weights/model.h"
#include "tests/testing/counting_allocator.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
// What the default model keeps of one row of 32x32 for its backward pass (10 MiB),
// with what kernels need beside it.
constexpr size_t kGraphOfARow = 12 * kMiB;
// What the method keeps of a row (truth, measurement, x_t, x0_hat), the call's
// input, prediction and gradient, and what a step has in hand, noise in double
// precision among it: 24 tensors of 4 KiB.
constexpr size_t kTensorsOfARow = 96 * 1024;

class GuidanceMemoryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    allocator_ = &CountingAllocator::Install();
    model_ = LoadModel("fashion-mnist-32", TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32").value();
  }
  static void TearDownTestSuite() { model_.reset(); }

  // DPS box inpainting of `rows` images, two steps.
  static std::unique_ptr<Method> MakeDps(int64_t rows) {
    InpaintingSpec box;
    box.missing = InpaintingSpec::Box{8, 8, 16, 16};
    DpsTask task;
    task.measurement = Simulated(box, at::zeros({rows, 1, 32, 32}), 0.05);
    task.process.num_steps = 2;
    TaskSpec spec;
    spec.task = std::move(task);
    spec.seed = 3;
    const std::shared_ptr<const DiffusionModel>& diffusion = model_->diffusion;
    return MakeMethod(ResolveTask(spec, *diffusion).value(), diffusion).value();
  }

  // The most memory beyond what was in use before, while all rows of a DPS job
  // are in every call.
  static size_t PeakOfAJob(Denoiser& denoiser, int64_t rows) {
    const size_t before = allocator_->in_use();
    allocator_->ResetPeak();
    RecordingSink sink;
    Engine engine({.max_batch_rows = static_cast<int>(rows), .gradient_row_cost = 1}, &sink);
    EXPECT_OK(engine.Submit({"a", MakeDps(rows), &denoiser, "ada", 1}));
    while (engine.StepOnce()) {
    }
    EXPECT_OK(sink.done().at("a").status);
    return allocator_->peak() - before;
  }

  static CountingAllocator* allocator_;
  static std::shared_ptr<const LoadedModel> model_;
};
CountingAllocator* GuidanceMemoryTest::allocator_ = nullptr;
std::shared_ptr<const LoadedModel> GuidanceMemoryTest::model_;

// Not 64 graphs (640 MiB) but two, one a worker: the bound is 30 MiB.
TEST_F(GuidanceMemoryTest, RowsOfAJobTakeTheGraphsOfAsManyRowsAsThereAreThreads) {
  RowParallelDenoiser denoiser(model_->network, std::make_shared<RowPool>(2));
  EXPECT_LE(PeakOfAJob(denoiser, 64), 2 * kGraphOfARow + 64 * kTensorsOfARow);
}

TEST_F(GuidanceMemoryTest, NothingIsKeptWhenTheJobIsDone) {
  RowParallelDenoiser denoiser(model_->network, std::make_shared<RowPool>(2));
  PeakOfAJob(denoiser, 2);  // LibTorch and oneDNN keep what they make once
  const size_t before = allocator_->in_use();
  PeakOfAJob(denoiser, 4);
  EXPECT_EQ(allocator_->in_use(), before);
}

// That the counter sees graphs at all, and what a call of the fast mode keeps.
TEST_F(GuidanceMemoryTest, BatchedRowsTakeAGraphEach) {
  UnetDenoiser denoiser(model_->network, at::kCPU);
  const size_t one = PeakOfAJob(denoiser, 1);
  EXPECT_GT(one, kGraphOfARow / 2);
  EXPECT_GT(PeakOfAJob(denoiser, 8), 6 * one);
}

}  // namespace
}  // namespace tweedie
