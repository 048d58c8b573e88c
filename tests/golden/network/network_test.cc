// The networks against diffusers 0.42.1: tools/golden/network.py wrote the
// fixtures.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/file.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/nn/unet.h"
#include "core/plan/planned_denoiser.h"
#include "core/weights/model.h"
#include "core/weights/safetensors.h"
#include "tests/testing/bfloat16.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

constexpr double kTolerance = 2e-5;  // of the largest value

std::string Fixture(const std::string& name) {
  return absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/network/v1/", name);
}

// Largest difference over largest value.
double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

class NetworkGoldenTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    folder_ = name == "default" ? absl::StrCat(TWEEDIE_SOURCE_DIR, "/models/fashion-mnist-32")
                                : Fixture(name);
    ASSERT_OK_AND_ASSIGN(model_, LoadModel(name, folder_));
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         ReadFile(Fixture(name) + "/io.safetensors", int64_t{1} << 20));
    ASSERT_OK_AND_ASSIGN(TensorFile io, ParseSafetensors(bytes));
    input_ = {io.tensors["x"], io.tensors["t"], io.tensors["class_labels"]};
    expected_ = io.tensors["output"];
    ASSERT_TRUE(expected_.defined());
  }

  std::string folder_;
  std::shared_ptr<const LoadedModel> model_;
  DenoiserInput input_;
  at::Tensor expected_;
};

TEST_P(NetworkGoldenTest, BatchedOutputIsThatOfDiffusers) {
  UnetDenoiser denoiser(model_->network, at::kCPU);
  const at::Tensor output = denoiser.Predict(input_);
  ASSERT_EQ(output.sizes(), expected_.sizes());
  EXPECT_LT(RelativeError(output, expected_), kTolerance);
}

TEST_P(NetworkGoldenTest, RowByRowOutputIsThatOfDiffusers) {
  RowParallelDenoiser denoiser(model_->network, std::make_shared<RowPool>(2));
  const at::Tensor output = denoiser.Predict(input_);
  ASSERT_EQ(output.sizes(), expected_.sizes());
  EXPECT_LT(RelativeError(output, expected_), kTolerance);
}

// By one thread a row, and by three threads a row: the same bits.
TEST_P(NetworkGoldenTest, PlannedOutputIsThatOfDiffusers) {
  const auto make = [&](int threads) {
    return PlannedDenoiser::Make(std::dynamic_pointer_cast<nn::UnetImpl>(model_->network),
                                 std::make_shared<RowPool>(threads),
                                 {input_.x.size(2), input_.x.size(3)}, {});
  };
  const auto unet = std::dynamic_pointer_cast<nn::UnetImpl>(model_->network);
  if (unet->config().act_fn != nn::Activation::kSilu) {
    EXPECT_THAT(make(1), StatusIs(absl::StatusCode::kUnimplemented, testing::HasSubstr("SiLU")));
    return;
  }
  ASSERT_OK_AND_ASSIGN(const auto alone, make(1));
  const at::Tensor output = alone->Predict(input_);
  ASSERT_EQ(output.sizes(), expected_.sizes());
  EXPECT_LT(RelativeError(output, expected_), kTolerance);
  for (const int threads : {2, 3, 7}) {
    ASSERT_OK_AND_ASSIGN(const auto team, make(threads));
    EXPECT_TRUE(at::equal(team->Predict(input_), output)) << threads << " threads";
  }
}

// Of autograd, which sums up float32 in another order.
TEST_P(NetworkGoldenTest, PlannedGradientIsThatOfTheModules) {
  const auto unet = std::dynamic_pointer_cast<nn::UnetImpl>(model_->network);
  if (unet->config().act_fn != nn::Activation::kSilu) {
    GTEST_SKIP() << "the network has no plan, as the test above expects";
  }
  const auto pool = std::make_shared<RowPool>(2);
  const RowLoss loss = [this](int64_t first, const at::Tensor& x, const at::Tensor& output) {
    const at::Tensor apart = output - expected_.narrow(0, first, x.size(0)).flip({3});
    return apart.flatten(1).square().sum(1);
  };
  ASSERT_OK_AND_ASSIGN(const auto planned,
                       PlannedDenoiser::Make(unet, pool, {input_.x.size(2), input_.x.size(3)}, {}));
  const Differentiated actual = planned->PredictWithGradient(input_, loss);
  const Differentiated expected = RowParallelDenoiser(unet, pool).PredictWithGradient(input_, loss);
  EXPECT_LT(RelativeError(actual.prediction, expected_), kTolerance);
  EXPECT_LT(RelativeError(actual.gradient, expected.gradient), 5e-5);
}

// Every value within 3 % of the largest, half of them within 0.4 %.
TEST_P(NetworkGoldenTest, OutputOfShortNumbersIsThatOfDiffusersToRounding) {
  SKIP_WITHOUT_BFLOAT16();
  at::Tensor output;
  for (const int threads : {1, 3, 7}) {
    ASSERT_OK_AND_ASSIGN(const auto model, LoadModel(GetParam(), folder_));
    const auto unet = std::dynamic_pointer_cast<nn::UnetImpl>(model->network);
    const auto pool = std::make_shared<RowPool>(threads);
    std::unique_ptr<Denoiser> denoiser;
    if (unet->config().act_fn == nn::Activation::kSilu) {
      ASSERT_OK_AND_ASSIGN(denoiser,
                           PlannedDenoiser::Make(unet, pool, {input_.x.size(2), input_.x.size(3)},
                                                 {.precision = Precision::kBfloat16}));
    } else {
      denoiser = std::make_unique<RowParallelDenoiser>(unet, pool, Precision::kBfloat16);
    }
    if (!output.defined()) output = denoiser->Predict(input_);
    EXPECT_TRUE(at::equal(denoiser->Predict(input_), output)) << threads << " threads";
  }
  EXPECT_LT(RelativeError(output, expected_), 0.03);
  const at::Tensor error = output.sub(expected_).abs().div(expected_.abs().max());
  EXPECT_LT(error.median().item<double>(), 0.004);
}

TEST_P(NetworkGoldenTest, ModelSaysWhatItsFilesSay) {
  EXPECT_EQ(model_->diffusion->image_shape,
            (std::array<int64_t, 3>{input_.x.size(1), input_.x.size(2), input_.x.size(3)}));
  EXPECT_EQ(model_->diffusion->learned_variance, expected_.size(1) == 2 * input_.x.size(1));
  EXPECT_EQ(model_->diffusion->num_classes, input_.class_labels.defined() ? 10 : 0);
  EXPECT_THAT(model_->weights_sha256, testing::SizeIs(64));
  EXPECT_GT(model_->num_parameters, 0);
}

INSTANTIATE_TEST_SUITE_P(Configurations, NetworkGoldenTest,
                         testing::Values("default", "like-default", "google-ddpm",
                                         "scale-shift-resnet", "scale-shift-attention-norm",
                                         "attention-resnet", "class-conditional", "class-timestep",
                                         "v-prediction", "non-square", "fourier", "learned-time",
                                         "mid-scale", "no-attention", "no-mid-block",
                                         "head-dim-absent", "learned-variance"),
                         [](const testing::TestParamInfo<const char*>& test) {
                           return absl::StrReplaceAll(test.param, {{"-", "_"}});
                         });

}  // namespace
}  // namespace tweedie
