#include "tests/unit/operators/operator_cases.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "core/noise/noise.h"
#include "core/operators/make_operator.h"

namespace tweedie {
namespace {

using Boundary = BlurSpec::Boundary;

// Shapes, with a number that divides both sides.
struct ShapeCase {
  ImageShape3 shape;
  int divisor;
};

const ShapeCase kShapes[] = {{{1, 8, 8}, 4}, {{3, 6, 10}, 2}, {{1, 9, 15}, 3}, {{2, 9, 6}, 3}};

at::Tensor Pattern(at::IntArrayRef shape, uint64_t seed) {
  return SomeNormals(1, shape, seed)[0].to(at::kFloat);
}

at::Tensor MaskPattern(at::IntArrayRef shape, uint64_t seed) {
  return Pattern(shape, seed).gt(0).to(at::kFloat);
}

void AddPixelCases(const ShapeCase& c, std::vector<OperatorCase>* cases) {
  const auto [channels, height, width] = c.shape;
  cases->push_back({"identity", IdentitySpec{}, c.shape});
  cases->push_back({"inpainting_mask", InpaintingSpec{MaskPattern(c.shape, 1)}, c.shape});
  cases->push_back({"inpainting_rows", InpaintingSpec{MaskPattern({height, 1}, 2)}, c.shape});
  cases->push_back({"inpainting_box", InpaintingSpec{InpaintingSpec::Box{1, 2, 3, 4}}, c.shape});
  cases->push_back(
      {"inpainting_random", InpaintingSpec{InpaintingSpec::Random{0.6}}, c.shape, true});
  cases->push_back({"subsampling", SubsamplingSpec{c.divisor}, c.shape});
  cases->push_back(
      {"bicubic", SuperResolutionSpec{c.divisor, SuperResolutionSpec::Kernel::kBicubic}, c.shape});
  cases->push_back(
      {"average", SuperResolutionSpec{c.divisor, SuperResolutionSpec::Kernel::kAverage}, c.shape});
  if (channels == 3) cases->push_back({"grayscale", GrayscaleSpec{}, c.shape});
}

void AddBlurCases(const ShapeCase& c, std::vector<OperatorCase>* cases) {
  const std::pair<std::string, Boundary> boundaries[] = {{"reflect", Boundary::kReflect},
                                                         {"circular", Boundary::kCircular},
                                                         {"zero", Boundary::kZero}};
  for (const auto& [name, boundary] : boundaries) {
    cases->push_back(
        {absl::StrCat("gaussian_", name), BlurSpec{BlurSpec::Gaussian{5, 0.8}, boundary}, c.shape});
    cases->push_back({absl::StrCat("motion_", name), BlurSpec{BlurSpec::Motion{5, 0.5}, boundary},
                      c.shape, true});
    cases->push_back(
        {absl::StrCat("custom_", name), BlurSpec{Pattern({3, 3}, 3), boundary}, c.shape});
    // Margins that overlap when they are folded back.
    cases->push_back(
        {absl::StrCat("random_", name), BlurSpec{BlurSpec::Random{11}, boundary}, c.shape, true});
  }
}

void AddFourierCases(const ShapeCase& c, std::vector<OperatorCase>* cases) {
  const auto [channels, height, width] = c.shape;
  cases->push_back({"mri_mask", MriSpec{MaskPattern({height, width}, 4)}, c.shape});
  cases->push_back({"mri_columns", MriSpec{MriSpec::RandomColumns{2, 0.2}}, c.shape, true});
  cases->push_back({"tomography", TomographySpec{7}, c.shape});
  cases->push_back({"tomography_narrow", TomographySpec{4, 6}, c.shape});
  cases->push_back({"phase_retrieval", PhaseRetrievalSpec{0.4}, c.shape});
}

template <typename Keep>
std::vector<OperatorCase> Filter(const Keep& keep) {
  std::vector<OperatorCase> kept;
  for (const OperatorCase& test : AllOperators()) {
    const std::shared_ptr<const Operator> A = MakeCase(test);
    if (A->linear() != nullptr && keep(*A->linear())) kept.push_back(test);
  }
  return kept;
}

}  // namespace

std::vector<OperatorCase> AllOperators() {
  std::vector<OperatorCase> all;
  for (const ShapeCase& c : kShapes) {
    std::vector<OperatorCase> cases;
    AddPixelCases(c, &cases);
    AddBlurCases(c, &cases);
    AddFourierCases(c, &cases);
    for (OperatorCase& test : cases) {
      absl::StrAppend(&test.name, "_", c.shape[0], "x", c.shape[1], "x", c.shape[2]);
      all.push_back(std::move(test));
    }
  }
  return all;
}

std::vector<OperatorCase> LinearOperators() {
  return Filter([](const LinearOperator&) { return true; });
}

std::vector<OperatorCase> SpectralOperators() {
  return Filter([](const LinearOperator& A) { return A.spectrum() != nullptr; });
}

std::vector<OperatorCase> OtherLinearOperators() {
  return Filter([](const LinearOperator& A) { return A.spectrum() == nullptr; });
}

std::shared_ptr<const Operator> MakeCase(const OperatorCase& test, uint64_t seed) {
  return MakeOperator(test.spec, test.shape, seed).value();
}

at::Tensor SomeNormals(int64_t n, at::IntArrayRef shape, uint64_t seed) {
  return Normals({.seed = seed, .step = 77}, n, shape).to(at::kDouble);
}

at::Tensor UnitVectors(at::IntArrayRef shape) {
  const int64_t size = c10::multiply_integers(shape);
  std::vector<int64_t> sizes = {size};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return at::eye(size, at::kDouble).reshape(sizes);
}

at::Tensor DenseMatrix(const LinearOperator& A, const ImageShape3& shape) {
  return DenseMatrix(shape, [&A](const at::Tensor& x) { return A.Forward(x); });
}

}  // namespace tweedie
