#include "core/device/bucketed_denoiser.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/diffusion/unet_denoiser.h"
#include "tests/testing/step_devices.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;

TEST(BucketSizesTest, ArePowersOfTwoUpToTheLargestCall) {
  EXPECT_THAT(BucketSizes(1), ElementsAre(1));
  EXPECT_THAT(BucketSizes(16), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(BucketSizes(20), ElementsAre(1, 2, 4, 8, 16, 20));
  EXPECT_THAT(BucketSizes(64), ElementsAre(1, 2, 4, 8, 16, 32, 64));
  EXPECT_THAT(BucketSizes(4096), ElementsAre(1, 2, 4, 8, 16, 32, 64));
}

DenoiserInput RandomRows(int64_t num_rows) {
  return {at::randn({num_rows, 3, 8, 8}), at::randint(0, 1000, {num_rows}, at::kLong), {}};
}

DenoiserInput Rows(const DenoiserInput& input, const std::vector<int64_t>& rows) {
  const at::Tensor index = at::tensor(rows, at::kLong);
  const at::Tensor& labels = input.class_labels;
  return {input.x.index_select(0, index), input.t.index_select(0, index),
          labels.defined() ? labels.index_select(0, index) : labels};
}

// Buckets of 8, 4, 2 and 1 rows over a network, and the same network without them.
class BucketedDenoiserTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::shared_ptr<StepDevice> device = MakeStepDevice(GetParam());
    if (device == nullptr) GTEST_SKIP() << "no CUDA device, or a build without CUDA";
    device_ = std::make_shared<FaultyStepDevice>(device);
    Make(SmallConfig());
  }
  void Make(const nn::UnetConfig& config) {
    network_ = RandomUnet(config);
    plain_ = std::make_unique<UnetDenoiser>(network_, device_->device());
    BucketedDenoiser::Options options;
    options.image_shape = {3, 8, 8};
    options.out_channels = config.out_channels;
    options.has_classes = config.class_embed_type != nn::ClassEmbedding::kNone;
    denoiser_ = std::make_unique<BucketedDenoiser>(
        std::make_unique<UnetDenoiser>(network_, device_->device()), device_, options);
    for (const int64_t rows : {8, 4, 2, 1}) denoiser_->AddBucket(rows);
  }
  // By the network as it is, with copies of the last row up to `size` rows.
  at::Tensor Expected(const DenoiserInput& input, int64_t size) {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < size; ++row) rows.push_back(std::min(row, input.x.size(0) - 1));
    return plain_->Predict(Rows(input, rows)).narrow(0, 0, input.x.size(0));
  }
  // On the CPU by bits; kernels of a GPU may be other ones in a graph.
  static void ExpectSame(const at::Tensor& actual, const at::Tensor& expected) {
    ASSERT_EQ(actual.sizes(), expected.sizes());
    if (GetParam() == "cpu") {
      EXPECT_TRUE(at::equal(actual, expected));
    } else {
      EXPECT_TRUE(at::allclose(actual, expected, 1e-4, 1e-4))
          << actual.sub(expected).abs().max().item<float>();
    }
  }

  std::shared_ptr<FaultyStepDevice> device_;
  std::shared_ptr<nn::UnetImpl> network_;
  std::unique_ptr<UnetDenoiser> plain_;
  std::unique_ptr<BucketedDenoiser> denoiser_;
};

TEST_P(BucketedDenoiserTest, ACallIsFilledUpToTheNextBucket) {
  EXPECT_THAT(denoiser_->buckets(), ElementsAre(1, 2, 4, 8));
  for (int64_t rows = 1, size = 1; rows <= 8; ++rows) {
    if (rows > size) size *= 2;
    const DenoiserInput input = RandomRows(rows);
    device_->launches = 0;
    ExpectSame(denoiser_->Predict(input), Expected(input, size));
    EXPECT_EQ(device_->launches, 1) << rows << " rows";
  }
}

TEST_P(BucketedDenoiserTest, MoreRowsThanTheLargestAreMadeInPieces) {
  const DenoiserInput input = RandomRows(19);
  const at::Tensor output = denoiser_->Predict(input);
  EXPECT_EQ(device_->launches, 3);
  for (const auto& [first, count, size] :
       std::vector<std::array<int64_t, 3>>{{0, 8, 8}, {8, 8, 8}, {16, 3, 4}}) {
    const DenoiserInput piece = {
        input.x.narrow(0, first, count), input.t.narrow(0, first, count), {}};
    ExpectSame(output.narrow(0, first, count), Expected(piece, size));
  }
}

TEST_P(BucketedDenoiserTest, ARowDoesNotDependOnWhatFillsItsBucket) {
  const DenoiserInput input = RandomRows(8);
  const at::Tensor full = denoiser_->Predict(input);
  const at::Tensor filled = denoiser_->Predict(Rows(input, {0, 1, 2, 3, 4}));
  EXPECT_TRUE(at::equal(filled, full.narrow(0, 0, 5)));
}

TEST_P(BucketedDenoiserTest, CallsLeaveNothingBehind) {
  const DenoiserInput input = RandomRows(5), other = RandomRows(7);
  const at::Tensor first = denoiser_->Predict(input);
  const at::Tensor kept = first.clone();
  denoiser_->Predict(other);
  EXPECT_TRUE(at::equal(first, kept)) << "the result lies in the bucket";
  EXPECT_TRUE(at::equal(denoiser_->Predict(input), kept));
}

TEST_P(BucketedDenoiserTest, ClassLabelsGoWithTheirRows) {
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = 4;
  Make(config);
  DenoiserInput input = RandomRows(3);
  input.x = input.x.narrow(0, 0, 1).expand({3, 3, 8, 8}).contiguous();
  input.t.fill_(7);
  input.class_labels = at::tensor({3, 0, 2}, at::kLong);
  const at::Tensor output = denoiser_->Predict(input);
  ExpectSame(output, Expected(input, 4));
  EXPECT_FALSE(at::allclose(output[0], output[1]));
  input.class_labels = at::Tensor();
  EXPECT_THROW(denoiser_->Predict(input), c10::Error);
}

TEST_P(BucketedDenoiserTest, LearnedVariancesAreReturnedToo) {
  nn::UnetConfig config = SmallConfig();
  config.out_channels = 6;
  Make(config);
  const DenoiserInput input = RandomRows(2);
  const at::Tensor output = denoiser_->Predict(input);
  EXPECT_EQ(output.size(1), 6);
  ExpectSame(output, Expected(input, 2));
}

TEST_P(BucketedDenoiserTest, GradientsAreMadeWithoutGraphs) {
  const DenoiserInput input = RandomRows(3);
  const RowLoss loss = [](int64_t, const at::Tensor& x, const at::Tensor& prediction) {
    return prediction.flatten(1).square().sum(1).add(x.flatten(1).sum(1));
  };
  const Differentiated result = denoiser_->PredictWithGradient(input, loss);
  const Differentiated expected = plain_->PredictWithGradient(input, loss);
  ExpectSame(result.prediction, expected.prediction);
  ExpectSame(result.gradient, expected.gradient);
  EXPECT_EQ(device_->launches, 0);
}

TEST_P(BucketedDenoiserTest, OutputIsPlainAndOnTheHost) {
  DenoiserInput input = RandomRows(2);
  input.x.requires_grad_();
  const at::Tensor output = denoiser_->Predict(input);
  EXPECT_TRUE(output.device().is_cpu());
  EXPECT_FALSE(output.requires_grad());
  EXPECT_TRUE(output.is_contiguous());
  EXPECT_EQ(output.scalar_type(), at::kFloat);
}

TEST_P(BucketedDenoiserTest, WrongShapesThrowAndTheNextCallWorks) {
  DenoiserInput wrong = RandomRows(2);
  wrong.x = at::zeros({2, 3, 8, 16});
  EXPECT_THROW(denoiser_->Predict(wrong), c10::Error);
  wrong = RandomRows(2);
  wrong.t = at::zeros({3}, at::kLong);
  EXPECT_THROW(denoiser_->Predict(wrong), c10::Error);
  EXPECT_THROW(denoiser_->AddBucket(4), c10::Error) << "it is there";
  const DenoiserInput input = RandomRows(2);
  ExpectSame(denoiser_->Predict(input), Expected(input, 2));
}

// bfloat16 has 8 bits of precision: about 0.4 % of each sum.
TEST_P(BucketedDenoiserTest, ShorterNumbersStayNearAndAreFloat32Outside) {
  const DenoiserInput input = RandomRows(4);
  const at::Tensor expected = plain_->Predict(input);
  for (const Precision precision : {Precision::kBfloat16, Precision::kFloat16}) {
    BucketedDenoiser denoiser(
        std::make_unique<UnetDenoiser>(RandomUnet(SmallConfig()), device_->device(), precision),
        device_, {{3, 8, 8}, 3, false});
    denoiser.AddBucket(4);
    const at::Tensor output = denoiser.Predict(input);
    EXPECT_EQ(output.scalar_type(), at::kFloat);
    const double error = output.sub(expected).norm().div(expected.norm()).item<double>();
    EXPECT_GT(error, 1e-5) << "it was evaluated in float32";
    EXPECT_LT(error, precision == Precision::kBfloat16 ? 0.03 : 0.004);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, BucketedDenoiserTest, testing::Values("cpu", "cuda"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace tweedie
