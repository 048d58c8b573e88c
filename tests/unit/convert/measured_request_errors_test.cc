// Every rule that a task with a measurement, or SDEdit, can break: the field's
// path from the request, and a fragment of the message.

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "server/convert/prepare_job.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using Request = v1::CreateJobRequest;
using Process = v1::ReverseProcess;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
const double kNan = std::numeric_limits<double>::quiet_NaN();

struct BadRequest {
  const char* name;
  std::function<void(Request*)> spoil;
  std::string field;
  const char* message;
};

class MeasuredRequestErrorsTest : public PrepareJobTest {
 protected:
  static void ExpectRefused(const Request& request, const std::string& field, const char* message) {
    const absl::StatusOr<PreparedJob> prepared = Prepare(request);
    EXPECT_THAT(prepared, StatusIs(kInvalid, HasSubstr(message)));
    EXPECT_EQ(FieldOf(prepared.status()).value_or("(none)"), field);
    EXPECT_LT(prepared.status().message().size(), 600U);
  }
  static void Check(const std::vector<BadRequest>& table, const Request& good) {
    ASSERT_OK(Prepare(good));
    for (const BadRequest& bad : table) {
      SCOPED_TRACE(bad.name);
      Request request = good;
      bad.spoil(&request);
      ExpectRefused(request, bad.field, bad.message);
    }
  }
};

// --- Operators, the same in every task --------------------------------------

v1::Operator* OperatorOf(Request* r) {
  return r->mutable_job()->mutable_dps()->mutable_measurement()->mutable_forward_operator();
}

// Changes to a DPS request; fields from the operator.
std::vector<BadRequest> BadOperators() {
  return {
      {"MaskAllZero",
       [](Request* r) {
         *OperatorOf(r)->mutable_inpainting()->mutable_mask() = Filled({32, 32}, 0);
       },
       "inpainting.mask", "0 everywhere"},
      {"MaskNotBinary",
       [](Request* r) {
         *OperatorOf(r)->mutable_inpainting()->mutable_mask() = Filled({32, 32}, 0.5);
       },
       "inpainting.mask", "only 0 and 1"},
      {"MaskShape",
       [](Request* r) { *OperatorOf(r)->mutable_inpainting()->mutable_mask() = Filled({31}, 1); },
       "inpainting.mask.shape", "broadcastable to [1, 1, 32, 32]; was [31]"},
      {"BoxTop",
       [](Request* r) { OperatorOf(r)->mutable_inpainting()->mutable_box()->set_top(-1); },
       "inpainting.box.top", "-1"},
      {"BoxLeft",
       [](Request* r) { OperatorOf(r)->mutable_inpainting()->mutable_box()->set_left(32); },
       "inpainting.box.left", "32"},
      {"BoxHeight",
       [](Request* r) { OperatorOf(r)->mutable_inpainting()->mutable_box()->set_height(0); },
       "inpainting.box.height", "0"},
      {"BoxWidth",
       [](Request* r) {
         OperatorOf(r)->mutable_inpainting()->mutable_box()->set_width(
             std::numeric_limits<int>::max());
       },
       "inpainting.box.width", "2147483647"},
      {"FractionOne",
       [](Request* r) { OperatorOf(r)->mutable_inpainting()->set_random_fraction(1); },
       "inpainting.random_fraction", "must be in [0, 1); was 1"},
      {"FractionNan",
       [](Request* r) { OperatorOf(r)->mutable_inpainting()->set_random_fraction(kNan); },
       "inpainting.random_fraction", "nan"},
      {"FactorUnset", [](Request* r) { OperatorOf(r)->mutable_super_resolution(); },
       "super_resolution.factor", "at least 2; was 0"},
      {"FactorDoesNotDivide",
       [](Request* r) { OperatorOf(r)->mutable_super_resolution()->set_factor(5); },
       "super_resolution.factor", "must divide"},
      {"StrideNegative", [](Request* r) { OperatorOf(r)->mutable_subsampling()->set_stride(-2); },
       "subsampling.stride", "-2"},
      {"GaussianSizeEven",
       [](Request* r) {
         OperatorOf(r)->mutable_blur()->mutable_gaussian()->set_size(4);
         OperatorOf(r)->mutable_blur()->mutable_gaussian()->set_sigma(1);
       },
       "blur.gaussian.size", "4"},
      {"GaussianSizeHuge",
       [](Request* r) {
         OperatorOf(r)->mutable_blur()->mutable_gaussian()->set_size(2147483647);
         OperatorOf(r)->mutable_blur()->mutable_gaussian()->set_sigma(1);
       },
       "blur.gaussian.size", "2147483647"},
      {"GaussianSigma",
       [](Request* r) { OperatorOf(r)->mutable_blur()->mutable_gaussian()->set_size(5); },
       "blur.gaussian.sigma", "0"},
      {"MotionIntensity",
       [](Request* r) {
         OperatorOf(r)->mutable_blur()->mutable_motion()->set_size(5);
         OperatorOf(r)->mutable_blur()->mutable_motion()->set_intensity(1.5);
       },
       "blur.motion.intensity", "1.5"},
      {"CustomEven",
       [](Request* r) {
         *OperatorOf(r)->mutable_blur()->mutable_custom() = Filled({2, 2}, 1);
       },
       "blur.custom", "odd"},
      {"RandomSize", [](Request* r) { OperatorOf(r)->mutable_blur()->set_random_size(-1); },
       "blur.random_size", "-1"},
      {"MriAcceleration",
       [](Request* r) {
         OperatorOf(r)->mutable_mri()->mutable_random_columns()->set_acceleration(0.5);
       },
       "mri.random_columns.acceleration", "0.5"},
      {"MriMaskAllZero",
       [](Request* r) { *OperatorOf(r)->mutable_mri()->mutable_mask() = Filled({32}, 0); },
       "mri.mask", "0 everywhere"},
      {"AnglesUnset", [](Request* r) { OperatorOf(r)->mutable_tomography(); },
       "tomography.num_angles", "0"},
      {"AnglesHuge",
       [](Request* r) { OperatorOf(r)->mutable_tomography()->set_num_angles(2147483647); },
       "tomography.num_angles", "2147483647"},
      {"DetectorsHuge",
       [](Request* r) {
         OperatorOf(r)->mutable_tomography()->set_num_angles(1);
         OperatorOf(r)->mutable_tomography()->set_num_detectors(2147483647);
       },
       "tomography.num_detectors", "2147483647"},
      {"PaddingNegative",
       [](Request* r) { OperatorOf(r)->mutable_phase_retrieval()->set_padding(-1); },
       "phase_retrieval.padding", "-1"},
      {"PaddingHuge",
       [](Request* r) { OperatorOf(r)->mutable_phase_retrieval()->set_padding(1e300); },
       "phase_retrieval.padding", "1e+300"},
      {"GrayscaleOfGrey", [](Request* r) { OperatorOf(r)->mutable_grayscale(); }, "grayscale",
       "channels"},
  };
}

TEST_F(MeasuredRequestErrorsTest, OperatorsAreCheckedByField) {
  std::vector<BadRequest> table = BadOperators();
  for (BadRequest& bad : table) {
    bad.field = absl::StrCat("job.dps.measurement.forward_operator.", bad.field);
  }
  Check(table, DpsRequest());
}

TEST_F(MeasuredRequestErrorsTest, EveryTasksOperatorIsCheckedByItsFullPath) {
  for (const MeasuredTask& task : MeasuredTasks()) {
    SCOPED_TRACE(task.field);
    Request request = MeasuredRequest(task);
    ASSERT_OK(Prepare(request));
    v1::Measurement* measurement = task.add(request.mutable_job());
    auto* gaussian = measurement->mutable_forward_operator()->mutable_blur()->mutable_gaussian();
    gaussian->set_sigma(1);
    gaussian->set_size(6);
    ExpectRefused(
        request,
        absl::StrCat("job.", task.field, ".measurement.forward_operator.blur.gaussian.size"), "6");
  }
}

// --- Measurements -------------------------------------------------------------

v1::Measurement* Measured(Request* r) {
  return r->mutable_job()->mutable_dps()->mutable_measurement();
}

std::vector<BadRequest> BadMeasurements() {
  return {
      {"SigmaNegative", [](Request* r) { Measured(r)->mutable_noise()->set_gaussian_sigma(-0.1); },
       "noise.gaussian_sigma", "-0.1"},
      {"SigmaNan", [](Request* r) { Measured(r)->mutable_noise()->set_gaussian_sigma(kNan); },
       "noise.gaussian_sigma", "nan"},
      {"RateUnset", [](Request* r) { Measured(r)->mutable_noise()->mutable_poisson(); },
       "noise.poisson.rate", "0"},
      {"PoissonOfMri",
       [](Request* r) {
         Measured(r)->mutable_noise()->mutable_poisson()->set_rate(10);
         OperatorOf(r)->mutable_mri()->mutable_random_columns()->set_acceleration(2);
       },
       "noise.poisson", "mri"},
      {"PoissonOfTomography",
       [](Request* r) {
         Measured(r)->mutable_noise()->mutable_poisson()->set_rate(10);
         OperatorOf(r)->mutable_tomography()->set_num_angles(6);
       },
       "noise.poisson", "tomography"},
      {"NoSource", [](Request* r) { Measured(r)->clear_source(); }, "source", "is required"},
      {"SimulateNothing", [](Request* r) { *Measured(r)->mutable_simulate_from() = v1::Images(); },
       "simulate_from.content", "is required"},
      {"SimulateTooMany",
       [](Request* r) { *Measured(r)->mutable_simulate_from() = FloatImages(1025); },
       "simulate_from", "must be at most 1024"},
      {"SimulateNan",
       [](Request* r) {
         Measured(r)->mutable_simulate_from()->mutable_tensor()->set_data(
             std::string(2 * 4096, '\xff'));
       },
       "simulate_from.tensor.data", "must be finite"},
      {"YShape",
       [](Request* r) {
         *Measured(r)->mutable_y() = Filled({2, 1, 16, 16}, 0);
       },
       "y", "[N, 1, 32, 32]"},
      {"YTooMany",
       [](Request* r) { Measured(r)->mutable_y()->add_shape(std::numeric_limits<int64_t>::max()); },
       "y", "must be at most 1024"},
      {"YEmpty", [](Request* r) { Measured(r)->mutable_y(); }, "y.data_type", "is required"},
      {"YNan",
       [](Request* r) {
         *Measured(r)->mutable_y() = Filled({1, 1, 32, 32}, static_cast<float>(kNan));
       },
       "y.data", "must be finite"},
  };
}

TEST_F(MeasuredRequestErrorsTest, MeasurementsAreCheckedByField) {
  std::vector<BadRequest> table = BadMeasurements();
  for (BadRequest& bad : table) bad.field = absl::StrCat("job.dps.measurement.", bad.field);
  Check(table, DpsRequest());
}

// --- Tasks ----------------------------------------------------------------------

v1::SdeditTask* Sdedit(Request* r) { return r->mutable_job()->mutable_sdedit(); }

Request GuideRequest() {
  Request request;
  request.mutable_job()->set_model(kModel);
  *Sdedit(&request)->mutable_guide() = FloatImages(2);
  return request;
}

std::vector<BadRequest> BadEdits() {
  return {
      {"NoSource", [](Request* r) { Sdedit(r)->clear_source(); }, "job.sdedit.source",
       "is required"},
      {"GuideEmpty", [](Request* r) { Sdedit(r)->mutable_guide()->Clear(); },
       "job.sdedit.guide.content", "is required"},
      {"GuideTooMany", [](Request* r) { *Sdedit(r)->mutable_guide() = FloatImages(1025); },
       "job.sdedit.guide", "must be at most 1024"},
      {"StrengthZero", [](Request* r) { Sdedit(r)->set_strength(0); }, "job.sdedit.strength",
       "must be in (0, 1]; was 0"},
      {"StrengthAboveOne", [](Request* r) { Sdedit(r)->set_strength(1.5); }, "job.sdedit.strength",
       "1.5"},
      {"StrengthNan", [](Request* r) { Sdedit(r)->set_strength(kNan); }, "job.sdedit.strength",
       "nan"},
      {"StepsBeyondStrength",
       [](Request* r) {
         Sdedit(r)->set_strength(0.1);
         Sdedit(r)->mutable_process()->set_num_steps(101);
       },
       "job.sdedit.process.num_steps", "101"},
      {"Solver",
       [](Request* r) { Sdedit(r)->mutable_process()->set_kind(Process::DPM_SOLVER_PP_2M); },
       "job.sdedit.process.kind", "DPM_SOLVER_PP_2M"},
      {"RepeatsNegative", [](Request* r) { Sdedit(r)->set_num_repeats(-1); },
       "job.sdedit.num_repeats", "-1"},
      {"RepeatsHuge", [](Request* r) { Sdedit(r)->set_num_repeats(2147483647); },
       "job.sdedit.num_repeats", "2147483647"},
      {"KeepMaskShape",
       [](Request* r) {
         *Sdedit(r)->mutable_keep_mask() = Filled({3, 32}, 1);
       },
       "job.sdedit.keep_mask.shape", "broadcastable to [2, 1, 32, 32]; was [3, 32]"},
      {"KeepMaskNotBinary",
       [](Request* r) {
         *Sdedit(r)->mutable_keep_mask() = Filled({32, 32}, 0.5);
       },
       "job.sdedit.keep_mask", "only 0 and 1"},
      {"KeepMeasuredOfGuide", [](Request* r) { Sdedit(r)->set_keep_measured(true); },
       "job.sdedit.keep_measured", "measurement"},
      {"KeepMaskOfMeasurement",
       [](Request* r) {
         *Sdedit(r)->mutable_measurement() = BoxMeasurement();
         *Sdedit(r)->mutable_keep_mask() = Filled({32, 32}, 1);
       },
       "job.sdedit.keep_mask", "guide"},
      {"KeepMeasuredOfBlur",
       [](Request* r) {
         *Sdedit(r)->mutable_measurement() = BoxMeasurement();
         Sdedit(r)
             ->mutable_measurement()
             ->mutable_forward_operator()
             ->mutable_blur()
             ->set_random_size(3);
         Sdedit(r)->set_keep_measured(true);
       },
       "job.sdedit.keep_measured", "inpainting"},
  };
}

TEST_F(MeasuredRequestErrorsTest, EditsAreCheckedByField) { Check(BadEdits(), GuideRequest()); }

// Changes to an empty request of the model.
std::vector<BadRequest> BadTasks() {
  const auto ald = [](Request* r) {
    *r->mutable_job()->mutable_ald()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_ald();
  };
  const auto dps = [](Request* r) {
    *r->mutable_job()->mutable_dps()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_dps();
  };
  const auto ddnm = [](Request* r) {
    *r->mutable_job()->mutable_ddnm()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_ddnm();
  };
  const auto ddrm = [](Request* r) {
    *r->mutable_job()->mutable_ddrm()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_ddrm();
  };
  const auto diffpir = [](Request* r) {
    *r->mutable_job()->mutable_diffpir()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_diffpir();
  };
  const auto reddiff = [](Request* r) {
    *r->mutable_job()->mutable_reddiff()->mutable_measurement() = BoxMeasurement();
    return r->mutable_job()->mutable_reddiff();
  };
  const auto repaint = [](Request* r) {
    *r->mutable_job()->mutable_repaint()->mutable_measurement() = BoxMeasurement();
    r->mutable_job()->mutable_repaint()->mutable_measurement()->clear_noise();
    return r->mutable_job()->mutable_repaint();
  };
  return {
      {"AldStepsOfAncestral", [=](Request* r) { ald(r)->set_steps_per_level(2); },
       "job.ald.steps_per_level", "LANGEVIN"},
      {"AldStepSizeOfAncestral", [=](Request* r) { ald(r)->set_step_size(0.1); },
       "job.ald.step_size", "LANGEVIN"},
      {"AldStepSize",
       [=](Request* r) {
         ald(r)->set_prior(v1::AldTask::LANGEVIN);
         r->mutable_job()->mutable_ald()->set_step_size(1.5);
       },
       "job.ald.step_size", "1.5"},
      {"AldKindOfLangevin",
       [=](Request* r) {
         ald(r)->set_prior(v1::AldTask::LANGEVIN);
         r->mutable_job()->mutable_ald()->mutable_process()->set_kind(Process::DDPM);
       },
       "job.ald.process.kind", "must be unset"},
      {"AldGammaZero", [=](Request* r) { ald(r)->set_gamma_scale(0); }, "job.ald.gamma_scale", "0"},
      {"AldScaleNegative", [=](Request* r) { ald(r)->set_likelihood_scale(-1); },
       "job.ald.likelihood_scale", "-1"},
      {"DpsZetaNegative", [=](Request* r) { dps(r)->set_zeta(-1); }, "job.dps.zeta", "-1"},
      {"DpsZetaNan", [=](Request* r) { dps(r)->set_zeta(kNan); }, "job.dps.zeta", "nan"},
      {"DpsSolver",
       [=](Request* r) { dps(r)->mutable_process()->set_kind(Process::DPM_SOLVER_PP_2M); },
       "job.dps.process.kind", "DPM_SOLVER_PP_2M"},
      {"DpsSteps", [=](Request* r) { dps(r)->mutable_process()->set_num_steps(1001); },
       "job.dps.process.num_steps", "1001"},
      {"DdnmEta", [=](Request* r) { ddnm(r)->set_eta(2); }, "job.ddnm.eta", "2"},
      {"DdnmTravelLength", [=](Request* r) { ddnm(r)->set_travel_length(-1); },
       "job.ddnm.travel_length", "-1"},
      {"DdnmTravelRepeats",
       [=](Request* r) {
         ddnm(r)->set_travel_length(1);
         r->mutable_job()->mutable_ddnm()->set_travel_repeats(2147483647);
       },
       "job.ddnm.travel_repeats", "2147483647"},
      {"DdnmTravelWithoutLength", [=](Request* r) { ddnm(r)->set_travel_repeats(3); },
       "job.ddnm.travel_repeats", "travel_length"},
      {"DdrmEtaB", [=](Request* r) { ddrm(r)->set_eta_b(-0.5); }, "job.ddrm.eta_b", "-0.5"},
      {"DiffpirLambda", [=](Request* r) { diffpir(r)->set_lambda(0); }, "job.diffpir.lambda", "0"},
      {"DiffpirZeta", [=](Request* r) { diffpir(r)->set_zeta(1.1); }, "job.diffpir.zeta", "1.1"},
      {"ReddiffRate", [=](Request* r) { reddiff(r)->set_learning_rate(0); },
       "job.reddiff.learning_rate", "0"},
      {"ReddiffWeight", [=](Request* r) { reddiff(r)->set_data_weight(-1); },
       "job.reddiff.data_weight", "-1"},
      {"RepaintKind", [=](Request* r) { repaint(r)->mutable_process()->set_kind(Process::DDIM); },
       "job.repaint.process.kind", "DDIM"},
      {"RepaintJumps", [=](Request* r) { repaint(r)->set_jump_length(-1); },
       "job.repaint.jump_length", "-1"},
      {"RepaintNoise",
       [=](Request* r) {
         repaint(r)->mutable_measurement()->mutable_noise()->set_gaussian_sigma(0.1);
       },
       "job.repaint.measurement.forward_operator", "noise"},
  };
}

TEST_F(MeasuredRequestErrorsTest, TasksAreCheckedByField) {
  for (const BadRequest& bad : BadTasks()) {
    SCOPED_TRACE(bad.name);
    Request request;
    request.mutable_job()->set_model(kModel);
    bad.spoil(&request);
    ExpectRefused(request, bad.field, bad.message);
  }
}

// 180 angles, 46 detectors and rays of 46 samples of a channel.
TEST_F(MeasuredRequestErrorsTest, ProjectionsOfAllResultsAreLimited) {
  Request request = DpsRequest(2);
  OperatorOf(&request)->mutable_tomography()->set_num_angles(180);
  request.mutable_job()->set_samples_per_image(500);
  EXPECT_OK(Prepare(request));
  OperatorOf(&request)->mutable_tomography()->set_num_detectors(92);
  ExpectRefused(request, "job.dps.measurement.forward_operator.tomography.num_angles",
                "must be at most 59 for 1000 results of this size and 92 detectors; was 180");
}

TEST_F(MeasuredRequestErrorsTest, AMethodThatTheOperatorCannotServeNamesThoseThatCan) {
  Request request;
  request.mutable_job()->set_model(kModel);
  v1::Measurement* measurement = request.mutable_job()->mutable_ddrm()->mutable_measurement();
  measurement->mutable_forward_operator()->mutable_phase_retrieval();
  *measurement->mutable_simulate_from() = FloatImages(1);
  ExpectRefused(request, "job.ddrm.measurement.forward_operator", "ald, dps, reddiff");
  ExpectRefused(request, "job.ddrm.measurement.forward_operator", "phase_retrieval");
}

TEST_F(MeasuredRequestErrorsTest, LargeMeasurementsCostMore) {
  RequestLimits limits;
  limits.max_cost_bytes = 5 * (1024 * 4 * 24);
  Request request = DpsRequest(2);
  OperatorOf(&request)->mutable_phase_retrieval()->set_padding(4);  // y is 81 times as large
  EXPECT_THAT(Prepare(request, limits),
              StatusIs(kInvalid, HasSubstr("job.dps.measurement.simulate_from must be at most 0")));
  EXPECT_OK(Prepare(request));
}

TEST_F(MeasuredRequestErrorsTest, MemoryLimitsTheMeasurementsOfAJob) {
  RequestLimits limits;
  limits.max_cost_bytes = 5 * (1024 * 4 * 24);
  EXPECT_OK(Prepare(DpsRequest(5), limits));
  EXPECT_THAT(Prepare(DpsRequest(6), limits),
              StatusIs(kInvalid, HasSubstr("job.dps.measurement.simulate_from must be at most 5")));
  Request many = DpsRequest(2);
  many.mutable_job()->set_samples_per_image(3);
  EXPECT_THAT(Prepare(many, limits),
              StatusIs(kInvalid, HasSubstr("job.samples_per_image must be at most 2")));
}

}  // namespace
}  // namespace tweedie
