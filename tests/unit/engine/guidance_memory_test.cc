// How much memory a guided job takes, by LibTorch's own allocator.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/engine.h"
#include "core/weights/model.h"
#include "tests/testing/counting_allocator.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
// What the default model keeps of one row of 32x32 for its backward pass (10 MiB),
// with what kernels need beside it.
constexpr size_t kGraphOfARow = 12 * kMiB;
// x, prediction and gradient of a row in the call, its x before and after, and
// what a step has in hand: eight tensors of 4 KiB.
constexpr size_t kTensorsOfARow = 32 * 1024;

// Steps as DPS does: x moves along the gradient of the norm of x0_hat - y.
class DpsLikeMethod final : public Method {
 public:
  explicit DpsLikeMethod(int64_t rows)
      : x_(at::randn({rows, 1, 32, 32})), y_(at::zeros({1, 1, 32, 32})) {}

  std::optional<Query> NextQuery() const override {
    if (step_ == kSteps) return std::nullopt;
    return Query{x_, {}, 500, /*needs_gradient=*/true};
  }
  at::Tensor GuidanceLoss(const GuidanceRows& rows) const override {
    const at::Tensor x0_hat = rows.x.sub(rows.prediction.mul(0.9)).div(0.4).clamp(-1, 1);
    return x0_hat.sub(y_).flatten(1).square().sum(1).sqrt();
  }
  absl::Status Advance(const Evaluation& e) override {
    x_ = e.x.sub(e.prediction.mul(0.01)).sub(e.gradient);
    ++step_;
    return absl::OkStatus();
  }
  MethodProgress progress() const override { return {step_, kSteps, 500}; }
  const at::Tensor& x() const override { return x_; }
  const at::Tensor& x0_hat() const override { return x_; }
  MethodState Save() const override { return {step_, {{"x", x_}}}; }

 private:
  static constexpr int kSteps = 2;
  int step_ = 0;
  at::Tensor x_;
  const at::Tensor y_;
};

class GuidanceMemoryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    allocator_ = &CountingAllocator::Install();
    model_ = LoadModel("fashion-mnist-32", TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32").value();
  }
  static void TearDownTestSuite() { model_.reset(); }

  // The most memory beyond what was in use before, while all rows of a job are
  // in every call.
  static size_t PeakOfAJob(Denoiser& denoiser, int64_t rows) {
    const size_t before = allocator_->in_use();
    allocator_->ResetPeak();
    RecordingSink sink;
    Engine engine({.max_batch_rows = static_cast<int>(rows), .gradient_row_cost = 1}, &sink);
    EXPECT_OK(engine.Submit({"a", std::make_unique<DpsLikeMethod>(rows), &denoiser, "ada", 1}));
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

// Not 64 graphs (640 MiB) but two, one a worker: the bound is 26 MiB.
TEST_F(GuidanceMemoryTest, RowsOfAJobTakeTheGraphsOfAsManyRowsAsThereAreThreads) {
  RowParallelDenoiser denoiser(model_->network, 2);
  EXPECT_LE(PeakOfAJob(denoiser, 64), 2 * kGraphOfARow + 64 * kTensorsOfARow);
}

TEST_F(GuidanceMemoryTest, NothingIsKeptWhenTheJobIsDone) {
  RowParallelDenoiser denoiser(model_->network, 2);
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
