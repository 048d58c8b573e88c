#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/operators/blur_kernels.h"
#include "core/operators/make_operator.h"
#include "core/weights/safetensors.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr uint64_t kSeed = 4321;
constexpr ImageShape3 kShape = {3, 12, 8};
constexpr double kTolerance = 1e-10;
constexpr double kFloatTolerance = 2e-5;

// What tools/golden/operators.py wrote.
const TensorFile& Golden() {
  static const auto* const golden = new TensorFile(
      ParseSafetensors(ReadFile(absl::StrCat(TWEEDIE_SOURCE_DIR,
                                             "/tests/golden/operators/v1/operators.safetensors"),
                                1 << 20)
                           .value())
          .value());
  return *golden;
}

struct GoldenCase {
  std::string name;
  OperatorSpec (*spec)();
};

at::Tensor Stored(const std::string& name) { return Golden().tensors.at(name); }

OperatorSpec Blurred(BlurSpec::Boundary boundary) { return BlurSpec{Stored("kernel"), boundary}; }

class OperatorGoldenTest : public testing::TestWithParam<GoldenCase> {
 protected:
  at::Tensor Of(const std::string& what) const {
    return Stored(absl::StrCat(GetParam().name, ".", what));
  }
  std::shared_ptr<const Operator> Make() const {
    return MakeOperator(GetParam().spec(), kShape, kSeed).value();
  }
};

TEST_P(OperatorGoldenTest, MeasuresAsTheReference) {
  const at::Tensor x = Stored("x");
  const auto A = Make();
  EXPECT_THAT(A->Forward(x.to(at::kDouble)), IsCloseTo(Of("y"), kTolerance));
  EXPECT_THAT(A->Forward(x), IsCloseTo(Of("y"), kFloatTolerance));
}

TEST_P(OperatorGoldenTest, AdjointIsTheReferencesTranspose) {
  const auto A = Make();
  const bool stored = Golden().tensors.count(GetParam().name + ".adjoint") > 0;
  ASSERT_EQ(A->linear() != nullptr, stored);
  if (!stored) return;
  const at::Tensor y = Of("y0").unsqueeze(0);
  EXPECT_THAT(A->linear()->Adjoint(y)[0], IsCloseTo(Of("adjoint"), kTolerance));
}

using Boundary = BlurSpec::Boundary;
using Kernel = SuperResolutionSpec::Kernel;

const GoldenCase kCases[] = {
    {"inpainting_mask", [] { return OperatorSpec(InpaintingSpec{Stored("mask")}); }},
    {"inpainting_random", [] { return OperatorSpec(InpaintingSpec{InpaintingSpec::Random{0.6}}); }},
    {"subsampling_2", [] { return OperatorSpec(SubsamplingSpec{2}); }},
    {"bicubic_2",
     [] {
       return OperatorSpec(SuperResolutionSpec{2, Kernel::kBicubic});
     }},
    {"bicubic_4",
     [] {
       return OperatorSpec(SuperResolutionSpec{4, Kernel::kBicubic});
     }},
    {"average_2",
     [] {
       return OperatorSpec(SuperResolutionSpec{2, Kernel::kAverage});
     }},
    {"gaussian_reflect",
     [] {
       return OperatorSpec(BlurSpec{BlurSpec::Gaussian{7, 1.3}, Boundary::kReflect});
     }},
    {"motion_zero",
     [] {
       return OperatorSpec(BlurSpec{BlurSpec::Motion{9, 0.5}, Boundary::kZero});
     }},
    {"random_circular",
     [] {
       return OperatorSpec(BlurSpec{BlurSpec::Random{3}, Boundary::kCircular});
     }},
    {"custom_reflect", [] { return Blurred(Boundary::kReflect); }},
    {"custom_circular", [] { return Blurred(Boundary::kCircular); }},
    {"custom_zero", [] { return Blurred(Boundary::kZero); }},
    {"mri_mask", [] { return OperatorSpec(MriSpec{Stored("k_mask")}); }},
    {"mri_columns",
     [] {
       return OperatorSpec(MriSpec{MriSpec::RandomColumns{2, 0.25}});
     }},
    {"tomography", [] { return OperatorSpec(TomographySpec{7}); }},
    {"tomography_narrow",
     [] {
       return OperatorSpec(TomographySpec{5, 9});
     }},
    {"phase_retrieval", [] { return OperatorSpec(PhaseRetrievalSpec{0.25}); }},
    {"grayscale", [] { return OperatorSpec(GrayscaleSpec{}); }},
};

INSTANTIATE_TEST_SUITE_P(All, OperatorGoldenTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(BlurKernelsGoldenTest, MotionIsThatOfItsRule) {
  EXPECT_THAT(MotionKernel(15, 0.8, kSeed), IsCloseTo(Stored("motion_kernel"), kTolerance));
}

}  // namespace
}  // namespace tweedie
