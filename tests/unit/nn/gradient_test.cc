// Gradients of the networks with respect to their input, through both denoisers.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/diffusion/differentiate.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/weights/model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

DenoiserInput RandomRows(int64_t num_rows) {
  return {at::randn({num_rows, 3, 8, 8}), at::randint(0, 1000, {num_rows}, at::kLong), {}};
}

DenoiserInput Select(const DenoiserInput& input, const std::vector<int64_t>& rows) {
  const at::Tensor index = at::tensor(rows, at::kLong);
  return {input.x.index_select(0, index), input.t.index_select(0, index), {}};
}

// Of every row alone: how far prediction and x are from each other.
at::Tensor Distance(int64_t /*first_row*/, const at::Tensor& x, const at::Tensor& prediction) {
  return prediction.sub(x.mul(0.5)).flatten(1).square().sum(1).sqrt();
}

// All configurations of the network that change what an in-place operation sees.
std::vector<nn::UnetConfig> Configs() {
  std::vector<nn::UnetConfig> configs;
  for (const auto activation : {nn::Activation::kSilu, nn::Activation::kMish, nn::Activation::kGelu,
                                nn::Activation::kRelu}) {
    configs.push_back(SmallConfig());
    configs.back().act_fn = activation;
  }
  nn::UnetConfig config = SmallConfig();
  config.resnet_time_scale_shift = nn::TimeScaleShift::kScaleShift;
  config.mid_block_scale_factor = 1.5;
  config.center_input_sample = true;
  configs.push_back(config);
  config = SmallConfig();
  config.time_embedding_type = nn::TimeEmbedding::kFourier;
  config.down_block_types = {nn::BlockType::kResnet, nn::BlockType::kAttention};
  config.up_block_types = {nn::BlockType::kAttention, nn::BlockType::kResnet};
  configs.push_back(config);
  return configs;
}

// The derivative along `direction` by central differences of fourth order.
double Numeric(const std::function<double(const at::Tensor&)>& f, const at::Tensor& x,
               const at::Tensor& direction, double h) {
  const at::NoGradGuard no_grad;
  const auto at_step = [&](double steps) { return f(x.add(direction.mul(steps * h))); };
  return (8 * (at_step(1) - at_step(-1)) - (at_step(2) - at_step(-2))) / (12 * h);
}

// Compares in float64, where both sides are exact to many digits.
void ExpectGradientIsThatOfDifferences(nn::Network& network, const at::Tensor& x,
                                       const at::Tensor& t, double step, double tolerance) {
  network.to(at::kDouble);
  const auto forward = [&](const at::Tensor& leaf) { return network.forward(leaf, t, {}); };
  const at::Tensor gradient = Differentiate(forward, x, 0, Distance).gradient;
  const auto loss = [&](const at::Tensor& at_x) {
    return Distance(0, at_x, forward(at_x)).sum().item<double>();
  };
  for (int i = 0; i < 3; ++i) {
    const at::Tensor direction = at::randn(x.sizes(), at::kDouble);
    const double analytic = gradient.mul(direction).sum().item<double>();
    EXPECT_NEAR(analytic, Numeric(loss, x, direction, step),
                tolerance * gradient.norm().item<double>());
  }
}

TEST(GradientTest, IsThatOfCentralDifferencesInEveryKindOfNetwork) {
  int which = 0;
  for (const nn::UnetConfig& config : Configs()) {
    SCOPED_TRACE(which++);
    const auto network = RandomUnet(config);
    const at::Tensor x = at::randn({2, 3, 8, 8}, at::kDouble);
    // ReLU has kinks, which a step may cross.
    const double tolerance = config.act_fn == nn::Activation::kRelu ? 1e-3 : 1e-7;
    ExpectGradientIsThatOfDifferences(*network, x, at::arange(3, 5), 1e-5, tolerance);
  }
}

TEST(GradientTest, IsThatOfCentralDifferencesInTheDefaultModel) {
  ASSERT_OK_AND_ASSIGN(const auto model, LoadModel("fashion-mnist-32",
                                                   TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32"));
  at::manual_seed(4);
  const at::Tensor x = at::randn({1, 1, 32, 32}, at::kDouble);
  for (const int64_t t : {20, 500, 990}) {
    ExpectGradientIsThatOfDifferences(*model->network, x, at::full({1}, t, at::kLong), 1e-4, 1e-7);
  }
}

TEST(GradientTest, RowByRowIsThatOfAutogradOnTheWholeBatch) {
  ASSERT_OK_AND_ASSIGN(const auto model, LoadModel("fashion-mnist-32",
                                                   TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32"));
  at::manual_seed(5);
  const at::Tensor x = at::randn({5, 1, 32, 32}).requires_grad_();
  const at::Tensor t = at::tensor({0, 100, 400, 700, 999}, at::kLong);
  const at::Tensor prediction = model->network->forward(x, t, {});
  const at::Tensor expected =
      torch::autograd::grad({Distance(0, x, prediction).sum()}, {x})[0].contiguous();
  const Differentiated rows = RowParallelDenoiser(model->network, std::make_shared<RowPool>(2))
                                  .PredictWithGradient({x, t, {}}, Distance);
  const Differentiated batch =
      UnetDenoiser(model->network, at::kCPU).PredictWithGradient({x, t, {}}, Distance);
  EXPECT_THAT(rows.gradient, IsCloseTo(expected, 1e-5));
  EXPECT_THAT(rows.prediction, IsCloseTo(prediction.detach(), 1e-5));
  EXPECT_THAT(batch.gradient, IsCloseTo(expected, 1e-5));
  EXPECT_THAT(batch.prediction, IsCloseTo(prediction.detach(), 1e-5));
}

TEST(RowParallelGradientTest, RowAloneHasTheBitsOfTheRowInAnyMix) {
  RowParallelDenoiser denoiser(RandomUnet(SmallConfig()), std::make_shared<RowPool>(2));
  const DenoiserInput all = RandomRows(9);
  const Differentiated expected = denoiser.PredictWithGradient(all, Distance);
  std::mt19937 random(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<int64_t> rows(1 + random() % 9);
    for (int64_t& row : rows) row = static_cast<int64_t>(random() % 9);
    const at::Tensor index = at::tensor(rows, at::kLong);
    const Differentiated output = denoiser.PredictWithGradient(Select(all, rows), Distance);
    EXPECT_THAT(output.gradient, IsBitEqualTo(expected.gradient.index_select(0, index)));
    EXPECT_THAT(output.prediction, IsBitEqualTo(expected.prediction.index_select(0, index)));
  }
}

TEST(RowParallelGradientTest, BitsDoNotDependOnTheNumberOfThreads) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(5);
  const at::Tensor expected = RowParallelDenoiser(network, std::make_shared<RowPool>(1))
                                  .PredictWithGradient(input, Distance)
                                  .gradient;
  EXPECT_THAT(RowParallelDenoiser(network, std::make_shared<RowPool>(4))
                  .PredictWithGradient(input, Distance)
                  .gradient,
              IsBitEqualTo(expected));
}

TEST(RowParallelGradientTest, PredictionHasTheBitsOfPredict) {
  RowParallelDenoiser denoiser(RandomUnet(SmallConfig()), std::make_shared<RowPool>(2));
  const DenoiserInput input = RandomRows(4);
  EXPECT_THAT(denoiser.PredictWithGradient(input, Distance).prediction,
              IsBitEqualTo(denoiser.Predict(input)));
}

TEST(RowParallelGradientTest, LossSeesEachRowAloneAndByItsNumber) {
  RowParallelDenoiser denoiser(RandomUnet(SmallConfig()), std::make_shared<RowPool>(2));
  const DenoiserInput input = RandomRows(4);
  const at::Tensor weights = at::tensor({1.f, 0.f, -2.f, 4.f});
  const auto weighted = [&](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
    TORCH_CHECK(x.is_contiguous() && prediction.is_contiguous());
    return Distance(first_row, x, prediction).mul(weights.narrow(0, first_row, x.size(0)));
  };
  const at::Tensor plain = denoiser.PredictWithGradient(input, Distance).gradient;
  EXPECT_THAT(denoiser.PredictWithGradient(input, weighted).gradient,
              IsCloseTo(plain.mul(weights.view({-1, 1, 1, 1})), 1e-5));
}

TEST(RowParallelGradientTest, ExceptionOfTheLossReachesTheCallerAndTheNextCallWorks) {
  RowParallelDenoiser denoiser(RandomUnet(SmallConfig()), std::make_shared<RowPool>(2));
  const auto failing = [](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
    if (first_row == 1) throw std::runtime_error("no loss");
    return Distance(first_row, x, prediction);
  };
  EXPECT_THROW(denoiser.PredictWithGradient(RandomRows(3), failing), std::runtime_error);
  EXPECT_EQ(denoiser.PredictWithGradient(RandomRows(3), Distance).gradient.size(0), 3);
}

// Both denoisers, by what they promise alike.
class DenoiserGradientTest : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<Denoiser> Make(const std::shared_ptr<nn::Network>& network) {
    if (GetParam())
      return std::make_unique<RowParallelDenoiser>(network, std::make_shared<RowPool>(2));
    return std::make_unique<UnetDenoiser>(network, at::kCPU);
  }
};
INSTANTIATE_TEST_SUITE_P(Both, DenoiserGradientTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "RowParallel" : "Batched"; });

TEST_P(DenoiserGradientTest, NoGraphOutlivesTheCall) {
  const auto network = RandomUnet(SmallConfig());
  DenoiserInput input = RandomRows(2);
  input.x.requires_grad_();
  c10::weak_intrusive_ptr<c10::TensorImpl> weak(input.x.getIntrusivePtr());
  const auto loss = [&](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
    at::Tensor losses = Distance(first_row, x, prediction);
    if (first_row == 0) weak = losses.getIntrusivePtr();
    return losses;
  };
  const Differentiated result = Make(network)->PredictWithGradient(input, loss);
  EXPECT_TRUE(weak.expired());
  for (const at::Tensor& tensor : {result.prediction, result.gradient}) {
    EXPECT_FALSE(tensor.requires_grad());
    EXPECT_EQ(tensor.grad_fn(), nullptr);
    EXPECT_FALSE(tensor.is_inference());
    EXPECT_TRUE(tensor.is_contiguous());
  }
  EXPECT_FALSE(input.x.grad().defined());
}

TEST_P(DenoiserGradientTest, WeightsNeverRequireGradients) {
  const auto network = RandomUnet(SmallConfig());
  Make(network)->PredictWithGradient(RandomRows(2), Distance);
  for (const at::Tensor& parameter : network->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST_P(DenoiserGradientTest, ClassLabelsGoWithTheirRows) {
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = 4;
  const auto network = RandomUnet(config);
  DenoiserInput input = RandomRows(4);
  input.class_labels = at::arange(4);
  const auto denoiser = Make(network);
  EXPECT_THAT(denoiser->PredictWithGradient(input, Distance).prediction,
              IsCloseTo(denoiser->Predict(input), 1e-5));
}

TEST_P(DenoiserGradientTest, LossMustBeOneNumberARow) {
  const auto denoiser = Make(RandomUnet(SmallConfig()));
  const auto none = [](int64_t, const at::Tensor&, const at::Tensor&) { return at::Tensor(); };
  const auto image = [](int64_t, const at::Tensor&, const at::Tensor& prediction) {
    return prediction;
  };
  EXPECT_THROW(denoiser->PredictWithGradient(RandomRows(2), none), c10::Error);
  EXPECT_THROW(denoiser->PredictWithGradient(RandomRows(2), image), c10::Error);
}

TEST_P(DenoiserGradientTest, WorksWhereGradientsAreSwitchedOff) {
  const auto denoiser = Make(RandomUnet(SmallConfig()));
  const DenoiserInput input = RandomRows(2);
  const at::Tensor expected = denoiser->PredictWithGradient(input, Distance).gradient;
  const at::NoGradGuard no_grad;
  EXPECT_THAT(denoiser->PredictWithGradient(input, Distance).gradient, IsBitEqualTo(expected));
  EXPECT_GT(expected.abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace tweedie
