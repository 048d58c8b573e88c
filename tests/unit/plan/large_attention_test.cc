// Networks with attention over images of many pixels.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/nn/unet.h"
#include "core/plan/ops/attention.h"
#include "core/plan/ops/attention_gradient.h"
#include "core/plan/planned_denoiser.h"
#include "core/plan/unet_plan.h"
#include "tests/testing/bfloat16.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

// The channels of a head: 8 have kernels of their own.
class LargeAttentionTest : public testing::TestWithParam<int64_t> {
 protected:
  static constexpr int64_t kSide = 128, kPixels = kSide * kSide;

  // Of one level, so that sides may be any.
  static nn::UnetConfig Config() {
    nn::UnetConfig config = SmallConfig();
    config.block_out_channels = {16};
    config.down_block_types = config.up_block_types = {nn::BlockType::kAttention};
    config.attention_head_dim = GetParam();
    return config;
  }
  // Floats a pixel of the arena of images of 128 x 128.
  static int64_t ArenaOf(const plan::UnetPlan& plan) { return plan.arena_floats() / kPixels; }
  static plan::AttentionOptions Of(int64_t heads, plan::Type type) {
    return {
        .in = {.channels = 3 * heads * GetParam(), .height = kSide, .width = kSide, .type = type},
        .out = {.channels = heads * GetParam(), .height = kSide, .width = kSide, .type = type},
        .heads = heads,
        .head_dim = GetParam()};
  }
};

// Weights of all queries would be 16,384 floats a pixel.
TEST_P(LargeAttentionTest, ArenaIsThatOfFeaturesOfSomeHundredChannels) {
  ASSERT_OK_AND_ASSIGN(const auto plan, plan::UnetPlan::Make(RandomUnet(Config()), {kSide, kSide}));
  EXPECT_LT(ArenaOf(*plan), 800);
  ASSERT_OK_AND_ASSIGN(const auto backward, plan::UnetPlan::MakeWithGradients(*plan));
  EXPECT_LT(ArenaOf(*backward), 1200);
}

TEST_P(LargeAttentionTest, ArenaOfShortNumbersLikewise) {
  SKIP_WITHOUT_BFLOAT16();
  ASSERT_OK_AND_ASSIGN(const auto plan, plan::UnetPlan::Make(RandomUnet(Config()), {kSide, kSide},
                                                             plan::Type::kBfloat16));
  EXPECT_LT(ArenaOf(*plan), 1000);
}

TEST_P(LargeAttentionTest, ScratchDoesNotGrowWithHeads) {
  for (const plan::Type type : {plan::Type::kFloat32, plan::Type::kBfloat16}) {
    EXPECT_LE(plan::AttentionScratch(Of(64, type)), 768 * kPixels);
  }
  EXPECT_LE(plan::AttentionGradientScratch(Of(64, plan::Type::kFloat32)), 512 * kPixels);
}

// 41 x 43 pixels are blocks of 16 or of 32 queries, and 3 more.
TEST_P(LargeAttentionTest, OutputsAndGradientsAreThoseOfTheModules) {
  at::manual_seed(2);
  const DenoiserInput input{at::randn({3, 3, 41, 43}), at::tensor({10, 500, 990}, at::kLong), {}};
  const RowLoss loss = [](int64_t, const at::Tensor&, const at::Tensor& output) {
    return output.flatten(1).square().sum(1);
  };
  const auto planned =
      PlannedDenoiser::Make(RandomUnet(Config()), std::make_shared<RowPool>(2), {41, 43}, {})
          .value();
  RowParallelDenoiser modules(RandomUnet(Config()), std::make_shared<RowPool>(2));
  const Differentiated expected = modules.PredictWithGradient(input, loss);
  EXPECT_LT(RelativeError(planned->Predict(input), expected.prediction), 1e-5);
  EXPECT_LT(RelativeError(planned->PredictWithGradient(input, loss).gradient, expected.gradient),
            2e-5);
}

TEST_P(LargeAttentionTest, RowAloneHasTheBitsOfTheRowInAnyMix) {
  at::manual_seed(2);
  const DenoiserInput input{at::randn({3, 3, 41, 43}), at::tensor({10, 500, 990}, at::kLong), {}};
  const auto make = [](int threads) {
    return PlannedDenoiser::Make(RandomUnet(Config()), std::make_shared<RowPool>(threads), {41, 43},
                                 {})
        .value();
  };
  const at::Tensor all = make(1)->Predict(input);
  for (const int threads : {2, 5}) {
    const auto denoiser = make(threads);
    EXPECT_TRUE(at::equal(denoiser->Predict(input), all)) << threads;
    for (int64_t row = 0; row < 3; ++row) {
      const at::Tensor alone =
          denoiser->Predict({input.x.narrow(0, row, 1), input.t.narrow(0, row, 1), {}});
      EXPECT_TRUE(at::equal(alone[0], all[row])) << row << " of " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Heads, LargeAttentionTest, testing::Values(8, 16),
                         [](const auto& test) { return "Of" + std::to_string(test.param); });

}  // namespace
}  // namespace tweedie
