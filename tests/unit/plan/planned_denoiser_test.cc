#include "core/plan/planned_denoiser.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/bfloat16.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

using testing::HasSubstr;

DenoiserInput RandomRows(int64_t count) {
  at::manual_seed(2);
  return {at::randn({count, 3, 8, 8}), at::randint(0, 1000, {count}, at::kLong), {}};
}

DenoiserInput RowsFrom(const DenoiserInput& input, int64_t first, int64_t count) {
  return {input.x.narrow(0, first, count), input.t.narrow(0, first, count), {}};
}

double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

class PlannedDenoiserTest : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::kBfloat16) SKIP_WITHOUT_BFLOAT16();
  }
  // Of one network, made anew each time, as its weights get the precision's type.
  static std::unique_ptr<PlannedDenoiser> Make(int threads,
                                               std::optional<int> rows_together = std::nullopt) {
    return PlannedDenoiser::Make(RandomUnet(SmallConfig()), std::make_shared<RowPool>(threads),
                                 {8, 8}, {GetParam(), rows_together})
        .value();
  }
  static RowParallelDenoiser Modules(Precision precision) {
    return RowParallelDenoiser(RandomUnet(SmallConfig()), std::make_shared<RowPool>(2), precision);
  }
};

TEST_P(PlannedDenoiserTest, RowAloneHasTheBitsOfTheRowInAnyMix) {
  const DenoiserInput input = RandomRows(7);
  for (const int threads : {1, 2, 4}) {
    const auto denoiser = Make(threads);
    const at::Tensor all = denoiser->Predict(input);
    for (int64_t row = 0; row < 7; ++row) {
      const at::Tensor alone = denoiser->Predict(RowsFrom(input, row, 1));
      EXPECT_TRUE(at::equal(alone[0], all[row])) << row << " of " << threads << " threads";
    }
    EXPECT_TRUE(at::equal(all, Make(3)->Predict(input)));
  }
}

TEST_P(PlannedDenoiserTest, RowsTakenTogetherHaveTheBitsOfEachAlone) {
  const DenoiserInput input = RandomRows(9);
  const at::Tensor alone = Make(1, 1)->Predict(input);
  for (const int threads : {1, 2, 3}) {
    for (const int together : {2, 3, 8}) {
      const auto denoiser = Make(threads, together);
      for (const int64_t rows : {1, 2, 5, 9}) {
        const at::Tensor some = denoiser->Predict(RowsFrom(input, 0, rows));
        EXPECT_TRUE(at::equal(some, alone.narrow(0, 0, rows)))
            << rows << " rows, " << together << " together, " << threads << " threads";
      }
    }
  }
}

TEST_P(PlannedDenoiserTest, OutputIsThatOfTheModulesToRounding) {
  const DenoiserInput input = RandomRows(5);
  const at::Tensor expected = Modules(Precision::kFloat32).Predict(input);
  const double error = RelativeError(Make(2)->Predict(input), expected);
  const bool rounded = GetParam() == Precision::kBfloat16;
  EXPECT_LT(error, rounded ? 0.02 : 1e-5);
  if (rounded) EXPECT_GT(error, 1e-4) << "it was not rounded";
}

TEST_P(PlannedDenoiserTest, RowsOfOtherMemoryAreTheSame) {
  const auto denoiser = Make(2);
  const DenoiserInput input = RandomRows(4);
  DenoiserInput other = input;
  other.x = input.x.contiguous(at::MemoryFormat::ChannelsLast);
  other.t = at::stack({input.t, input.t}, 1).select(1, 0);
  EXPECT_TRUE(at::equal(denoiser->Predict(other), denoiser->Predict(input)));
  other.x = input.x.clone().requires_grad_();
  EXPECT_FALSE(denoiser->Predict(other).requires_grad());
}

TEST_P(PlannedDenoiserTest, ImagesOfAnotherSizeAreRefused) {
  const auto denoiser = Make(2);
  DenoiserInput input = RandomRows(2);
  input.x = at::randn({2, 3, 16, 8});
  EXPECT_THROW(denoiser->Predict(input), c10::Error);
  input.x = at::randn({2, 1, 8, 8});
  EXPECT_THROW(denoiser->Predict(input), c10::Error);
  EXPECT_NO_THROW(denoiser->Predict(RandomRows(2)));
}

// Of the output, of x itself, and of both.
RowLoss LossOf(const DenoiserInput& input) {
  return [times = input.t](int64_t row, const at::Tensor& x, const at::Tensor& output) {
    const at::Tensor of_output = output.flatten(1).square().sum(1);
    return of_output + (x * output).flatten(1).sum(1) * (times[row].item<int64_t>() % 3);
  };
}

TEST_P(PlannedDenoiserTest, GradientsAreThoseOfTheModules) {
  const DenoiserInput input = RandomRows(5);
  const RowLoss loss = LossOf(input);
  const Differentiated exact = Modules(Precision::kFloat32).PredictWithGradient(input, loss);
  const bool rounded = GetParam() == Precision::kBfloat16;
  for (const int threads : {1, 2, 3}) {
    const Differentiated actual = Make(threads)->PredictWithGradient(input, loss);
    EXPECT_EQ(actual.gradient.scalar_type(), at::kFloat);
    EXPECT_LT(RelativeError(actual.gradient, exact.gradient), rounded ? 0.06 : 2e-5);
    EXPECT_LT(RelativeError(actual.prediction, exact.prediction), rounded ? 0.03 : 1e-5);
    EXPECT_FALSE(actual.prediction.requires_grad() || actual.gradient.requires_grad());
  }
}

TEST_P(PlannedDenoiserTest, GradientOfARowAloneHasTheBitsOfTheRowInAnyMix) {
  const DenoiserInput input = RandomRows(7);
  const auto loss = [](int64_t, const at::Tensor& x, const at::Tensor& output) {
    return (x * output).flatten(1).square().sum(1);
  };
  const Differentiated expected = Make(1, 1)->PredictWithGradient(input, loss);
  for (const int threads : {1, 2, 4}) {
    for (const int together : {1, 3}) {
      const auto denoiser = Make(threads, together);
      for (const int64_t rows : {1, 2, 3, 7}) {
        const Differentiated some = denoiser->PredictWithGradient(RowsFrom(input, 0, rows), loss);
        const std::string mix = absl::StrCat(rows, " rows, ", together, " together, ", threads);
        EXPECT_TRUE(at::equal(some.gradient, expected.gradient.narrow(0, 0, rows))) << mix;
        EXPECT_TRUE(at::equal(some.prediction, expected.prediction.narrow(0, 0, rows))) << mix;
      }
    }
  }
}

TEST_P(PlannedDenoiserTest, LossesThatDoNotDependOnAnythingHaveNoGradient) {
  const DenoiserInput input = RandomRows(3);
  const auto nothing = [](int64_t, const at::Tensor& x, const at::Tensor&) {
    return at::ones({x.size(0)});
  };
  const at::Tensor gradient = Make(2)->PredictWithGradient(input, nothing).gradient;
  EXPECT_TRUE(at::equal(gradient, at::zeros_like(input.x)));
  const auto of_x = [](int64_t, const at::Tensor& x, const at::Tensor&) {
    return x.flatten(1).sum(1);
  };
  EXPECT_TRUE(
      at::equal(Make(2)->PredictWithGradient(input, of_x).gradient, at::ones_like(input.x)));
}

TEST_P(PlannedDenoiserTest, AFailingLossFailsTheCallAlone) {
  const auto denoiser = Make(2);
  const DenoiserInput input = RandomRows(3);
  const RowLoss good = LossOf(input);
  const at::Tensor expected = denoiser->PredictWithGradient(input, good).gradient;
  const auto failing = [](int64_t row, const at::Tensor& x, const at::Tensor&) {
    TORCH_CHECK(row != 1, "no loss");
    return x.flatten(1).sum(1);
  };
  EXPECT_THROW(denoiser->PredictWithGradient(input, failing), c10::Error);
  const auto of_another_shape = [](int64_t, const at::Tensor& x, const at::Tensor&) {
    return x.sum();
  };
  EXPECT_THROW(denoiser->PredictWithGradient(input, of_another_shape), c10::Error);
  EXPECT_TRUE(at::equal(denoiser->PredictWithGradient(input, good).gradient, expected));
}

INSTANTIATE_TEST_SUITE_P(Precisions, PlannedDenoiserTest,
                         testing::Values(Precision::kFloat32, Precision::kBfloat16),
                         [](const auto& test) { return std::string(PrecisionName(test.param)); });

TEST(PlansOfPrecisionsTest, OthersAreRefused) {
  for (const Precision precision : {Precision::kTf32, Precision::kFloat16}) {
    EXPECT_THAT(PlannedDenoiser::Make(RandomUnet(SmallConfig()), std::make_shared<RowPool>(1),
                                      {8, 8}, {.precision = precision})
                    .status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no plans of")));
  }
}

TEST(NetworksWithoutAPlanTest, TheySayWhy) {
  const auto refusal = [](const nn::UnetConfig& config, std::array<int64_t, 2> size) {
    return PlannedDenoiser::Make(RandomUnet(config), std::make_shared<RowPool>(1), size, {})
        .status();
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
