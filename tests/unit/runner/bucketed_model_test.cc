#include "server/runner/bucketed_model.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/device/bucketed_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/call_failure.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/step_devices.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BucketedModelTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Denoiser>> Make(int max_batch_rows) {
    return MakeBucketedDenoiser(*model_, {Precision::kFloat32, max_batch_rows, padding_rows_},
                                device_);
  }
  static std::vector<int64_t> BucketsOf(const Denoiser& denoiser) {
    return dynamic_cast<const BucketedDenoiser&>(denoiser).buckets();
  }

  const std::shared_ptr<const LoadedModel> model_ =
      LoadModel("m", TWEEDIE_SOURCE_DIR "/tests/golden/network/v1/like-default").value();
  const std::shared_ptr<std::atomic<int64_t>> padding_rows_ =
      std::make_shared<std::atomic<int64_t>>(0);
  const std::shared_ptr<FaultyStepDevice> device_ =
      std::make_shared<FaultyStepDevice>(std::make_shared<CpuStepDevice>());
};

TEST_F(BucketedModelTest, HasABucketForEachSizeOfACallAndTheNetworksOutput) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Denoiser> denoiser, Make(6));
  EXPECT_THAT(BucketsOf(*denoiser), ElementsAre(1, 2, 4, 6));
  const auto [channels, height, width] = model_->diffusion->image_shape;
  const DenoiserInput input = {at::randn({6, channels, height, width}), at::arange(6), {}};
  EXPECT_TRUE(
      at::equal(denoiser->Predict(input), UnetDenoiser(model_->network, at::kCPU).Predict(input)));
}

TEST_F(BucketedModelTest, RowsThatFillACallUpAreCounted) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Denoiser> denoiser, Make(8));
  const auto [channels, height, width] = model_->diffusion->image_shape;
  for (const int rows : {4, 5, 11}) {
    denoiser->Predict({at::randn({rows, channels, height, width}), at::arange(rows), {}});
  }
  EXPECT_EQ(*padding_rows_, 0 + 3 + 1) << "4 in 4; 5 in 8; 11 in 8 and 4";
}

TEST_F(BucketedModelTest, BucketsWithoutRoomAreLeftOut) {
  device_->on_capture = [](int graph) {
    if (graph < 2) throw c10::OutOfMemoryError({}, "CUDA out of memory");
  };
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Denoiser> denoiser, Make(16));
  EXPECT_THAT(BucketsOf(*denoiser), ElementsAre(1, 2, 4));
}

TEST_F(BucketedModelTest, NoRoomForOneRowIsAnError) {
  device_->on_capture = [](int) { throw c10::OutOfMemoryError({}, "CUDA out of memory"); };
  EXPECT_THAT(Make(16), StatusIs(absl::StatusCode::kResourceExhausted,
                                 HasSubstr("recording models/m for 1 rows")));
}

TEST_F(BucketedModelTest, AnotherErrorIsNoLackOfMemory) {
  device_->on_capture = [](int) { throw c10::AcceleratorError({}, 700, "CUDA error: lost"); };
  const absl::Status status = Make(16).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("for 16 rows")));
  EXPECT_TRUE(IsDeviceLost(status));
  EXPECT_EQ(device_->captures, 1);
}

}  // namespace
}  // namespace tweedie
