#include "core/operators/measurement.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/field_error.h"
#include "core/noise/noise.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ImageShape3 kShape = {2, 4, 6};
constexpr uint64_t kSeed = 9;

at::Tensor Images(int64_t n) { return Normals({.seed = 1}, n, kShape).mul(0.4).clamp(-1, 1); }

MeasurementSpec Simulated(OperatorSpec forward_operator, NoiseModel noise = {}, int64_t n = 2) {
  MeasurementSpec spec;
  spec.forward_operator = std::move(forward_operator);
  spec.noise = noise;
  spec.simulate_from = Images(n);
  return spec;
}

MeasurementSpec Given(OperatorSpec forward_operator, at::Tensor y, NoiseModel noise = {}) {
  MeasurementSpec spec;
  spec.forward_operator = std::move(forward_operator);
  spec.noise = noise;
  spec.y = std::move(y);
  return spec;
}

OperatorSpec Box() { return InpaintingSpec{InpaintingSpec::Box{1, 1, 2, 3}}; }

TEST(MeasurementTest, WithoutNoiseIsWhatTheOperatorMakes) {
  ASSERT_OK_AND_ASSIGN(const Measurement m, Measure(Simulated(SubsamplingSpec{2}), kShape, kSeed));
  EXPECT_THAT(m.y, IsBitEqualTo(m.A->Forward(Images(2))));
  EXPECT_THAT(m.sigma, ElementsAre(0, 0));
}

TEST(MeasurementTest, GaussianNoiseIsThatOfTheContract) {
  ASSERT_OK_AND_ASSIGN(const Measurement m,
                       Measure(Simulated(IdentitySpec{}, GaussianNoise{0.25}), kShape, kSeed));
  const at::Tensor noise =
      Normals({.seed = kSeed, .purpose = NoisePurpose::kMeasurement}, 2, kShape);
  EXPECT_THAT(m.y, IsBitEqualTo(Images(2).add(noise.mul(0.25))));
  EXPECT_THAT(m.sigma, ElementsAre(0.25, 0.25));
}

TEST(MeasurementTest, OfAnImageDoesNotDependOnItsMates) {
  for (const NoiseModel& noise : {NoiseModel(GaussianNoise{0.1}), NoiseModel(PoissonNoise{30})}) {
    const BlurSpec blur{BlurSpec::Gaussian{3, 0.7}};
    ASSERT_OK_AND_ASSIGN(const Measurement two, Measure(Simulated(blur, noise, 2), kShape, kSeed));
    ASSERT_OK_AND_ASSIGN(const Measurement one, Measure(Simulated(blur, noise, 1), kShape, kSeed));
    EXPECT_THAT(one.y[0], IsBitEqualTo(two.y[0]));
    EXPECT_EQ(one.sigma[0], two.sigma[0]);
  }
}

TEST(MeasurementTest, DependsOnTheSeed) {
  for (const NoiseModel& noise : {NoiseModel(GaussianNoise{0.1}), NoiseModel(PoissonNoise{30})}) {
    const MeasurementSpec spec = Simulated(IdentitySpec{}, noise);
    ASSERT_OK_AND_ASSIGN(const Measurement a, Measure(spec, kShape, 1));
    ASSERT_OK_AND_ASSIGN(const Measurement b, Measure(spec, kShape, 2));
    EXPECT_FALSE(at::equal(a.y, b.y));
    EXPECT_FALSE(at::equal(a.y[0], a.y[1]));
  }
}

TEST(MeasurementTest, OnlyWhatIsMeasuredIsNoisy) {
  for (const NoiseModel& noise : {NoiseModel(GaussianNoise{0.5}), NoiseModel(PoissonNoise{20})}) {
    ASSERT_OK_AND_ASSIGN(const Measurement m, Measure(Simulated(Box(), noise), kShape, kSeed));
    const at::Tensor missing = m.y.narrow(2, 1, 2).narrow(3, 1, 3);
    EXPECT_EQ(missing.abs().max().item<float>(), 0);
    EXPECT_GT(m.y.sub(m.A->Forward(Images(2))).abs().max().item<float>(), 0);
  }
  ASSERT_OK_AND_ASSIGN(
      const Measurement mri,
      Measure(Simulated(MriSpec{MriSpec::RandomColumns{2}}, GaussianNoise{1}), kShape, kSeed));
  const at::Tensor unmeasured = mri.A->measured().eq(0);
  EXPECT_EQ(mri.y.mul(unmeasured).abs().max().item<float>(), 0);
}

TEST(MeasurementTest, PoissonNoiseHasTheVarianceThatSigmaSays) {
  constexpr ImageShape3 kLarge = {1, 100, 100};
  for (const double rate : {2.0, 15.0, 500.0}) {
    MeasurementSpec spec = Simulated(IdentitySpec{}, PoissonNoise{rate});
    spec.simulate_from = at::full({1, 1, 100, 100}, 0.2, at::kFloat);
    ASSERT_OK_AND_ASSIGN(const Measurement m, Measure(spec, kLarge, kSeed));
    const double expected = std::sqrt(2 * 1.2 / rate);
    EXPECT_NEAR(m.y.mean().item<double>(), 0.2, 4.5 * expected / 100);
    EXPECT_NEAR(m.y.std().item<double>(), expected, 0.05 * expected);
    EXPECT_NEAR(m.sigma[0], expected, 0.02 * expected);
  }
}

TEST(MeasurementTest, PoissonNoiseOfNothingIsNothing) {
  MeasurementSpec spec = Simulated(IdentitySpec{}, PoissonNoise{50});
  spec.simulate_from = at::full({1, 2, 4, 6}, -1.5, at::kFloat);
  ASSERT_OK_AND_ASSIGN(const Measurement m, Measure(spec, kShape, kSeed));
  EXPECT_THAT(m.y, IsBitEqualTo(at::full({1, 2, 4, 6}, -1, at::kFloat)));
  EXPECT_THAT(m.sigma, ElementsAre(0));
}

TEST(MeasurementTest, PoissonSigmaIsTheMeanOverWhatIsMeasured) {
  at::Tensor y = at::full({1, 2, 4, 6}, -0.5, at::kFloat);
  y.narrow(2, 1, 2).narrow(3, 1, 3).fill_(77);  // missing
  ASSERT_OK_AND_ASSIGN(const Measurement m,
                       Measure(Given(Box(), y, PoissonNoise{40}), kShape, kSeed));
  EXPECT_NEAR(m.sigma[0], std::sqrt(2 * 0.5 / 40), 1e-12);
}

TEST(MeasurementTest, GivenValuesAreTakenWhereMeasured) {
  const at::Tensor y = Images(3).add(2);
  ASSERT_OK_AND_ASSIGN(const Measurement whole, Measure(Given(IdentitySpec{}, y), kShape, kSeed));
  EXPECT_THAT(whole.y, IsBitEqualTo(y));
  ASSERT_OK_AND_ASSIGN(const Measurement part, Measure(Given(Box(), y), kShape, kSeed));
  EXPECT_THAT(part.y, IsBitEqualTo(y.mul(part.A->measured().to(at::kFloat))));
}

TEST(MeasurementTest, NumMeasurementsIsThatOfTheSource) {
  EXPECT_EQ(NumMeasurements(Simulated(IdentitySpec{}, {}, 3)), 3);
  EXPECT_EQ(NumMeasurements(Given(IdentitySpec{}, Images(2))), 2);
  EXPECT_EQ(NumMeasurements(MeasurementSpec{}), 0);
  EXPECT_EQ(NumMeasurements(Given(IdentitySpec{}, at::scalar_tensor(1.0f))), 0);
}

TEST(MeasurementTest, ResidualsAreOfEachImagesOwnMeasurement) {
  ASSERT_OK_AND_ASSIGN(const Measurement m, Measure(Simulated(Box()), kShape, kSeed));
  EXPECT_THAT(Residuals(m, Images(2).repeat_interleave(3, 0)), Each(DoubleNear(0, 1e-6)));
  at::Tensor images = Images(2);
  images[1].index_put_({0, 0, 0}, images[1][0][0][0].add(0.75));
  images[1].index_put_({0, 1, 1}, 5.0f);  // missing
  EXPECT_THAT(Residuals(m, images), ElementsAre(DoubleNear(0, 1e-6), DoubleNear(0.75, 1e-6)));
}

struct Wrong {
  std::string field, problem;
  MeasurementSpec spec;
};

TEST(MeasurementTest, RefusesWhatDoesNotFit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  MeasurementSpec both = Given(IdentitySpec{}, Images(1));
  both.simulate_from = Images(1);
  at::Tensor with_nan = Images(1);
  with_nan.view({-1})[3] = nan;
  MeasurementSpec other_size = Simulated(IdentitySpec{});
  other_size.simulate_from = at::zeros({2, 2, 4, 5});
  const Wrong wrongs[] = {
      {"source", "must be one of `y` and `simulate_from`", {}},
      {"source", "must be one of `y` and `simulate_from`", both},
      {"y", "must have shape [N, 2, 2, 3]; was [1, 2, 4, 6]", Given(SubsamplingSpec{2}, Images(1))},
      {"y", "must have shape [N, 2, 4, 6]; was [2, 4, 6]", Given(IdentitySpec{}, Images(1)[0])},
      {"y", "must have shape [N, 2, 4, 6, 2]; was [1, 2, 4, 6]",
       Given(MriSpec{at::ones({4, 6})}, Images(1))},
      {"y", "must have shape [N, 2, 4, 6]; was [0, 2, 4, 6]", Given(IdentitySpec{}, Images(0))},
      {"y", "must be float32", Given(IdentitySpec{}, Images(1).to(at::kDouble))},
      {"y", "must be finite", Given(IdentitySpec{}, with_nan)},
      {"simulate_from", "must have shape [N, 2, 4, 6]; was [2, 2, 4, 5]", other_size},
      {"forward_operator.subsampling.stride", "must be at least 2; was 1",
       Simulated(SubsamplingSpec{1})},
      {"forward_operator.grayscale", "must be of images with 3 channels",
       Simulated(GrayscaleSpec{})},
      {"noise.gaussian_sigma", "must be at least 0 and finite; was -1",
       Simulated(IdentitySpec{}, GaussianNoise{-1})},
      {"noise.gaussian_sigma", "must be at least 0 and finite; was nan",
       Simulated(IdentitySpec{}, GaussianNoise{nan})},
      {"noise.poisson.rate", "must be above 0 and finite; was 0",
       Simulated(IdentitySpec{}, PoissonNoise{0})},
      {"noise.poisson", "the range of images; was mri",
       Simulated(MriSpec{MriSpec::RandomColumns{2}}, PoissonNoise{9})},
      {"noise.poisson", "the range of images; was tomography",
       Simulated(TomographySpec{6}, PoissonNoise{9})},
      {"noise.poisson", "the range of images; was phase_retrieval",
       Simulated(PhaseRetrievalSpec{}, PoissonNoise{9})},
  };
  for (const Wrong& wrong : wrongs) {
    const absl::Status status = Measure(wrong.spec, kShape, kSeed).status();
    EXPECT_EQ(FieldOf(status), wrong.field);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(wrong.problem)));
  }
}

TEST(MeasurementTest, RefusesImagesWhoseMeasurementOverflows) {
  MeasurementSpec spec = Simulated(BlurSpec{at::full({3, 3}, 1e38f)});
  spec.simulate_from.fill_(1);
  EXPECT_THAT(Measure(spec, kShape, kSeed),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("finite")));
}

}  // namespace
}  // namespace tweedie
