#include "core/methods/method_needs.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "core/operators/make_operator.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr ImageShape3 kShape = {3, 8, 8};

BlurSpec Motion() {
  BlurSpec blur;
  blur.kernel = BlurSpec::Motion{5};
  return blur;
}

MriSpec Mri() {
  MriSpec mri;
  mri.sampling = MriSpec::RandomColumns{2, {}};
  return mri;
}

InpaintingSpec Inpainting() {
  InpaintingSpec inpainting;
  inpainting.missing = InpaintingSpec::Box{2, 2, 3, 3};
  return inpainting;
}

TaskSpec TaskOf(const std::string& method, const MeasurementSpec& measurement) {
  TaskSpec spec;
  if (method == "ald") spec.task = TaskFor<AldTask>(measurement);
  if (method == "dps") spec.task = TaskFor<DpsTask>(measurement);
  if (method == "ddnm") spec.task = TaskFor<DdnmTask>(measurement);
  if (method == "ddrm") spec.task = TaskFor<DdrmTask>(measurement);
  if (method == "pigdm") spec.task = TaskFor<PigdmTask>(measurement);
  if (method == "diffpir") spec.task = TaskFor<DiffpirTask>(measurement);
  if (method == "reddiff") spec.task = TaskFor<ReddiffTask>(measurement);
  if (method == "repaint") spec.task = TaskFor<RepaintTask>(measurement);
  if (method == "sdedit") {
    SdeditTask task;
    task.measurement = measurement;
    spec.task = task;
  }
  return spec;
}

// Which of these, in this order, serve what.
const std::vector<std::string> kMethods = {"sdedit", "ald",     "dps",     "ddnm",   "ddrm",
                                           "pigdm",  "diffpir", "reddiff", "repaint"};

struct NeedsCase {
  std::string name;
  OperatorSpec A;
  double sigma;
  std::string serve;  // one character a method: x where it serves
};

std::vector<NeedsCase> NeedsCases() {
  return {
      {"Identity", IdentitySpec(), 0, "xxxxxxxx."},
      {"NoisyIdentity", IdentitySpec(), 0.1, "xxxxxxxx."},
      {"Inpainting", Inpainting(), 0, "xxxxxxxxx"},
      {"NoisyInpainting", Inpainting(), 0.1, "xxxxxxxx."},
      {"SuperResolution", SuperResolutionSpec{2}, 0, ".xxxxxxx."},
      {"NoisySuperResolution", SuperResolutionSpec{2}, 0.1, ".xxxxxxx."},
      {"Subsampling", SubsamplingSpec{2}, 0, ".xxxxxxx."},
      {"NoisySubsampling", SubsamplingSpec{2}, 0.1, ".xxxxxxx."},
      {"CircularBlur", SkewBlur(), 0, "xxxxxxxx."},
      {"NoisyCircularBlur", SkewBlur(), 0.1, "xxxxxxxx."},
      {"BlurWithoutSpectrum", Motion(), 0, "xxxx.xxx."},
      {"NoisyBlurWithoutSpectrum", Motion(), 0.1, "xxx..xxx."},
      {"Mri", Mri(), 0, ".xxxxxxx."},
      {"NoisyMri", Mri(), 0.1, ".xxxxxxx."},
      {"Tomography", TomographySpec{6}, 0, ".xxx.xxx."},
      {"NoisyTomography", TomographySpec{6}, 0.1, ".xx..xxx."},
      {"PhaseRetrieval", PhaseRetrievalSpec(), 0, ".xx....x."},
      {"NoisyPhaseRetrieval", PhaseRetrievalSpec(), 0.1, ".xx....x."},
      {"Grayscale", GrayscaleSpec(), 0, ".xxxxxxx."},
      {"NoisyGrayscale", GrayscaleSpec(), 0.1, ".xxxxxxx."},
  };
}

class MethodNeedsTest : public testing::TestWithParam<NeedsCase> {
 protected:
  MeasurementSpec Spec() const {
    return Simulated(GetParam().A, Normals({5}, 1, kShape).clamp(-1, 1), GetParam().sigma);
  }
};

TEST_P(MethodNeedsTest, MethodsServeWhatTheyCanAndSayWhoElseDoes) {
  const auto model = MakeDiffusionModel(kShape);
  std::vector<std::string> able;
  for (size_t i = 0; i < kMethods.size(); ++i) {
    if (GetParam().serve[i] == 'x') able.push_back(kMethods[i]);
  }
  for (size_t i = 0; i < kMethods.size(); ++i) {
    SCOPED_TRACE(kMethods[i]);
    const absl::StatusOr<TaskSpec> resolved = ResolveTask(TaskOf(kMethods[i], Spec()), *model);
    if (GetParam().serve[i] == 'x') {
      EXPECT_OK(resolved);
      continue;
    }
    EXPECT_THAT(resolved, StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr(OperatorKind(GetParam().A))));
    EXPECT_EQ(FieldOf(resolved.status()), "measurement.forward_operator");
    EXPECT_THAT(std::string(resolved.status().message()),
                EndsWith(absl::StrCat("these can serve: ", absl::StrJoin(able, ", "))));
  }
}

INSTANTIATE_TEST_SUITE_P(All, MethodNeedsTest, testing::ValuesIn(NeedsCases()),
                         [](const auto& param) { return param.param.name; });

TEST(MethodNeedsMessageTest, IsPlain) {
  const auto model = MakeDiffusionModel(kShape);
  const MeasurementSpec spec = Simulated(PhaseRetrievalSpec(), Normals({5}, 1, kShape));
  EXPECT_THAT(ResolveTask(TaskOf("ddrm", spec), *model),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "measurement.forward_operator must be one with a spectrum for ddrm; was "
                       "phase_retrieval, which these can serve: ald, dps, reddiff"));
}

}  // namespace
}  // namespace tweedie
