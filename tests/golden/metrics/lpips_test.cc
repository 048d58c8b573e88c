// LPIPS against the package lpips 0.1.4: tools/golden/lpips_distances.py wrote
// the fixture. Backbones are made of integers, the heads are the package's.
#include "core/metrics/lpips.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"
#include "core/metrics/backbone.h"
#include "core/weights/safetensors.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Tensors = std::map<std::string, at::Tensor>;

// The images of tools/golden/metrics.py: multiples of 1/64, some beyond [-1, 1].
at::Tensor MakeImage(int64_t channels, int64_t height, int64_t width, int64_t which) {
  at::Tensor image = at::empty({channels, height, width});
  auto pixels = image.accessor<float, 3>();
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int64_t smooth = (x * (3 + c) + y * y) % 97;
        const int64_t detail = (x * 7 + y * 13 + c * 5 + which * (x * y % 11)) % 95;
        pixels[c][y][x] = static_cast<float>((smooth + detail) % 192 - 96) / 64;
      }
    }
  }
  return image;
}

// parameter() of the script.
at::Tensor MakeParameter(uint64_t index, const std::vector<int64_t>& shape) {
  at::Tensor parameter = at::empty(shape);
  const int64_t size = parameter.numel();
  const double scale =
      shape.size() > 1 ? std::sqrt(24.0 / static_cast<double>(size / shape[0])) : 0.1;
  float* values = parameter.data_ptr<float>();
  for (int64_t i = 0; i < size; ++i) {
    uint32_t h =
        static_cast<uint32_t>(static_cast<uint64_t>(i) * 2654435761u + (index + 1) * 40503u);
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    values[i] = static_cast<float>((static_cast<double>(h >> 8) / (1 << 24) - 0.5) * scale);
  }
  return parameter;
}

Tensors MakeBackbone(const std::string& net) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& layer : ParametersOf(*FindBackbone(net))) {
    for (const BackboneParameter& parameter : layer) shapes[parameter.name] = parameter.shape;
  }
  Tensors tensors;
  for (const auto& [name, shape] : shapes) tensors[name] = MakeParameter(tensors.size(), shape);
  return tensors;
}

class LpipsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path =
        absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/metrics/v1/lpips.safetensors");
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path, int64_t{1} << 20));
    ASSERT_OK_AND_ASSIGN(const TensorFile golden, ParseSafetensors(bytes));
    tensors_ = MakeBackbone(GetParam());
    for (const auto& [name, tensor] : golden.tensors) {
      absl::string_view rest = name;
      if (absl::ConsumePrefix(&rest, absl::StrCat(GetParam(), ".lin"))) {
        tensors_[absl::StrCat("lin", rest)] = tensor;
      }
    }
    distances_ = golden.tensors.at(absl::StrCat(GetParam(), ".distances"));
  }
  Lpips Create() { return Lpips::Create(tensors_, GetParam()).value(); }
  // NaN for an absent value.
  static double Distance(const Lpips& lpips, const at::Tensor& a, const at::Tensor& b) {
    return lpips.Distance(a, b).value().value_or(std::numeric_limits<double>::quiet_NaN());
  }

  Tensors tensors_;
  at::Tensor distances_;
};
INSTANTIATE_TEST_SUITE_P(Nets, LpipsTest, testing::Values("alex", "squeeze", "vgg16"),
                         [](const auto& net) { return std::string(net.param); });

TEST_P(LpipsTest, IsThatOfThePackage) {
  const Lpips lpips = Create();
  const int64_t side = lpips.min_side();
  const std::vector<std::vector<int64_t>> shapes = {
      {1, 32, 32}, {3, 33, 47}, {3, side, side}, {3, 64, 64}, {1, 32, 90}};
  ASSERT_EQ(distances_.size(0), static_cast<int64_t>(shapes.size()));
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto& shape = shapes[i];
    const double expected = distances_[static_cast<int64_t>(i)].item<double>();
    EXPECT_NEAR(Distance(lpips, MakeImage(shape[0], shape[1], shape[2], 0),
                         MakeImage(shape[0], shape[1], shape[2], 1)),
                expected, 1e-4 * expected)
        << "pair " << i;
  }
}

TEST_P(LpipsTest, OfEqualImagesIsZeroAndOtherwiseSymmetric) {
  const Lpips lpips = Create();
  const at::Tensor a = MakeImage(3, 40, 36, 0), b = MakeImage(3, 40, 36, 1);
  EXPECT_EQ(Distance(lpips, a, a.clone()), 0);
  EXPECT_GT(Distance(lpips, a, b), 0);
  EXPECT_DOUBLE_EQ(Distance(lpips, a, b), Distance(lpips, b, a));
}

TEST_P(LpipsTest, IsAbsentBelowTheSmallestSide) {
  const Lpips lpips = Create();
  const int64_t side = lpips.min_side();
  for (const auto& [height, width] : {std::pair(side - 1, int64_t{64}), {64, side - 1}}) {
    const at::Tensor image = MakeImage(3, height, width, 0);
    EXPECT_EQ(lpips.Distance(image, image).value(), std::nullopt);
  }
}

TEST_P(LpipsTest, IsAbsentForImagesThatAreNeitherGreyNorColoured) {
  const at::Tensor image = MakeImage(2, 40, 40, 0);
  EXPECT_EQ(Create().Distance(image, image).value(), std::nullopt);
}

TEST_P(LpipsTest, GreyImagesAreThoseOfThreeEqualChannels) {
  const Lpips lpips = Create();
  const at::Tensor a = MakeImage(1, 40, 40, 0), b = MakeImage(1, 40, 40, 1);
  EXPECT_EQ(Distance(lpips, a, b), Distance(lpips, a.repeat({3, 1, 1}), b.repeat({3, 1, 1})));
}

TEST_P(LpipsTest, ClampsBothImagesFirst) {
  const Lpips lpips = Create();
  const at::Tensor a = MakeImage(3, 40, 40, 0), b = MakeImage(3, 40, 40, 1);
  EXPECT_EQ(Distance(lpips, a, b), Distance(lpips, a.clamp(-1, 1), b.clamp(-1, 1)));
}

TEST_P(LpipsTest, OfAnImageWithNanIsNan) {
  at::Tensor image = MakeImage(3, 40, 40, 0);
  image[1][20][20] = std::nanf("");
  const auto distance = Create().Distance(image, MakeImage(3, 40, 40, 1));
  ASSERT_OK(distance.status());
  ASSERT_TRUE(distance->has_value());
  EXPECT_TRUE(std::isnan(**distance));
}

TEST_P(LpipsTest, ImagesOfTwoShapesAreRefused) {
  EXPECT_THAT(
      Create().Distance(MakeImage(3, 40, 40, 0), MakeImage(1, 40, 40, 0)).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[3, 40, 40] and [1, 40, 40]")));
}

TEST_P(LpipsTest, EveryTensorThatDoesNotFitIsListed) {
  tensors_.erase("features.0.bias");
  tensors_["lin1.weight"] = tensors_["lin1.weight"].flatten();
  tensors_["features.0.weight"] = tensors_["features.0.weight"].to(at::kInt);
  tensors_["classifier.1.weight"] = at::zeros({2, 2});
  EXPECT_THAT(Lpips::Create(tensors_, GetParam()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("missing: features.0.bias [64]"),
                             HasSubstr("of another shape: lin1.weight ["),
                             HasSubstr("not floating-point: features.0.weight Int"),
                             HasSubstr("not known to the network: classifier.1.weight [2, 2]"))));
}

TEST_P(LpipsTest, NumbersThatAreNotFiniteAreRefused) {
  tensors_["features.0.bias"][3] = INFINITY;
  EXPECT_THAT(Lpips::Create(tensors_, GetParam()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("features.0.bias")));
}

TEST_P(LpipsTest, TensorsOfAnotherNetAreRefused) {
  const std::string other = GetParam() == std::string("alex") ? "squeeze" : "alex";
  EXPECT_THAT(Lpips::Create(tensors_, other).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("of another shape")));
}

TEST_P(LpipsTest, KnowsItsNet) { EXPECT_EQ(Create().net(), GetParam()); }

TEST(LpipsCreateTest, UnknownNetIsNamed) {
  EXPECT_THAT(Lpips::Create({}, "resnet").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("net must be alex, squeeze or vgg16; was 'resnet'")));
}

}  // namespace
}  // namespace tweedie
