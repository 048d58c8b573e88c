#include "core/plan/planned_denoiser.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "tests/testing/status_matchers.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

using testing::HasSubstr;

std::unique_ptr<PlannedDenoiser> Make(const std::shared_ptr<nn::UnetImpl>& network, int threads,
                                      std::optional<int> rows_together = std::nullopt) {
  return PlannedDenoiser::Make(network, std::make_shared<RowPool>(threads), {8, 8}, rows_together)
      .value();
}

DenoiserInput RandomRows(int64_t count) {
  at::manual_seed(2);
  return {at::randn({count, 3, 8, 8}), at::randint(0, 1000, {count}, at::kLong), {}};
}

TEST(PlannedDenoiserTest, RowAloneHasTheBitsOfTheRowInAnyMix) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(7);
  for (const int threads : {1, 2, 4}) {
    const auto denoiser = Make(network, threads);
    const at::Tensor all = denoiser->Predict(input);
    for (int64_t row = 0; row < 7; ++row) {
      const at::Tensor alone =
          denoiser->Predict({input.x.narrow(0, row, 1), input.t.narrow(0, row, 1), {}});
      EXPECT_TRUE(at::equal(alone[0], all[row])) << row << " of " << threads << " threads";
    }
    EXPECT_TRUE(at::equal(all, Make(network, 3)->Predict(input)));
  }
}

TEST(PlannedDenoiserTest, RowsTakenTogetherHaveTheBitsOfEachAlone) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(9);
  const at::Tensor alone = Make(network, 1, 1)->Predict(input);
  for (const int threads : {1, 2, 3}) {
    for (const int together : {2, 3, 8}) {
      const auto denoiser = Make(network, threads, together);
      for (const int64_t rows : {1, 2, 5, 9}) {
        const at::Tensor some =
            denoiser->Predict({input.x.narrow(0, 0, rows), input.t.narrow(0, 0, rows), {}});
        EXPECT_TRUE(at::equal(some, alone.narrow(0, 0, rows)))
            << rows << " rows, " << together << " together, " << threads << " threads";
      }
    }
  }
}

TEST(PlannedDenoiserTest, OutputIsThatOfTheModulesToRounding) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(5);
  const at::Tensor expected =
      RowParallelDenoiser(network, std::make_shared<RowPool>(2)).Predict(input);
  const at::Tensor actual = Make(network, 2)->Predict(input);
  EXPECT_LT(actual.sub(expected).abs().max().item<double>(),
            1e-5 * expected.abs().max().item<double>());
}

TEST(PlannedDenoiserTest, RowsOfOtherMemoryAreTheSame) {
  const auto denoiser = Make(RandomUnet(SmallConfig()), 2);
  const DenoiserInput input = RandomRows(4);
  DenoiserInput other = input;
  other.x = input.x.contiguous(at::MemoryFormat::ChannelsLast);
  other.t = at::stack({input.t, input.t}, 1).select(1, 0);
  EXPECT_TRUE(at::equal(denoiser->Predict(other), denoiser->Predict(input)));
  other.x = input.x.clone().requires_grad_();
  EXPECT_FALSE(denoiser->Predict(other).requires_grad());
}

TEST(PlannedDenoiserTest, ImagesOfAnotherSizeAreRefused) {
  const auto denoiser = Make(RandomUnet(SmallConfig()), 2);
  DenoiserInput input = RandomRows(2);
  input.x = at::randn({2, 3, 16, 8});
  EXPECT_THROW(denoiser->Predict(input), c10::Error);
  input.x = at::randn({2, 1, 8, 8});
  EXPECT_THROW(denoiser->Predict(input), c10::Error);
  EXPECT_NO_THROW(denoiser->Predict(RandomRows(2)));
}

TEST(PlannedDenoiserTest, GradientsAreThoseOfTheModules) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(3);
  const RowLoss loss = [](int64_t, const at::Tensor&, const at::Tensor& output) {
    return output.flatten(1).square().sum(1);
  };
  const Differentiated actual = Make(network, 2)->PredictWithGradient(input, loss);
  RowParallelDenoiser modules(network, std::make_shared<RowPool>(2));
  EXPECT_TRUE(at::equal(actual.gradient, modules.PredictWithGradient(input, loss).gradient));
}

TEST(PlannedDenoiserTest, NetworksWithoutAPlanSayWhy) {
  const auto refusal = [](const nn::UnetConfig& config, std::array<int64_t, 2> size) {
    return PlannedDenoiser::Make(RandomUnet(config), std::make_shared<RowPool>(1), size).status();
  };
  nn::UnetConfig mish = SmallConfig();
  mish.act_fn = nn::Activation::kMish;
  EXPECT_THAT(refusal(mish, {8, 8}),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("activation is not SiLU")));
  EXPECT_THAT(refusal(SmallConfig(), {8, 7}),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("no multiples of 2")));
}

}  // namespace
}  // namespace tweedie
