// Each limit of a request at its edge: what it allows passes, one more names its field.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "imaging/image.h"
#include "server/convert/job_proto.h"
#include "server/convert/prepare_job.h"
#include "server/convert/request_digest.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class RequestLimitsTest : public PrepareJobTest {
 protected:
  static void ExpectPasses(const v1::CreateJobRequest& request, const RequestLimits& limits) {
    EXPECT_OK(Prepare(request, limits));
  }
  static void ExpectRefused(const v1::CreateJobRequest& request, const RequestLimits& limits,
                            const std::string& field, const std::string& message) {
    const auto refused = Prepare(request, limits);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_EQ(FieldOf(refused.status()), field);
  }
};

TEST_F(RequestLimitsTest, Labels) {
  RequestLimits limits;
  limits.max_labels_per_job = 2;
  v1::CreateJobRequest request = SampleRequest();
  auto& labels = *request.mutable_job()->mutable_labels();
  labels["a"] = labels["b"] = "1";
  ExpectPasses(request, limits);
  labels["c"] = "1";
  ExpectRefused(request, limits, "job.labels", "must be at most 2 pairs; were 3");
  limits.max_labels_per_job = 0;
  ExpectRefused(request, limits, "job.labels", "at most 0");
  ExpectPasses(SampleRequest(), limits);
}

TEST_F(RequestLimitsTest, Images) {
  RequestLimits limits;
  limits.max_images_per_job = 3;
  v1::CreateJobRequest request = SampleRequest();
  request.mutable_job()->mutable_sample()->set_num_images(3);
  ExpectPasses(request, limits);
  request.mutable_job()->mutable_sample()->set_num_images(4);
  ExpectRefused(request, limits, "job.sample.num_images", "at most 3");
  ExpectPasses(DenoiseRequest(3), limits);
  ExpectRefused(DenoiseRequest(4), limits, "job.denoise.images", "at most 3");
}

TEST_F(RequestLimitsTest, Memory) {
  RequestLimits limits;
  limits.max_cost_bytes = Prepare(DenoiseRequest(3))->new_job.record.cost_bytes;
  ExpectPasses(DenoiseRequest(3), limits);
  --limits.max_cost_bytes;
  ExpectRefused(DenoiseRequest(3), limits, "job.denoise.images", "at most 2");
}

// --- Pixels of files ---------------------------------------------------------

// Adds a file of the model's size where a request may have one.
struct FileField {
  const char* field;
  std::function<v1::CreateJobRequest(const std::string& file)> request;
};

std::vector<FileField> FileFields() {
  return {
      {"job.denoise.images",
       [](const std::string& file) {
         v1::CreateJobRequest request = DenoiseRequest(1);
         request.mutable_job()->mutable_denoise()->mutable_images()->mutable_encoded()->add_files(
             file);
         return request;
       }},
      {"job.reference",
       [](const std::string& file) {
         v1::CreateJobRequest request = SampleRequest();
         request.mutable_job()->mutable_reference()->mutable_encoded()->add_files(file);
         return request;
       }},
      {"job.sdedit.guide",
       [](const std::string& file) {
         v1::CreateJobRequest request = SampleRequest();
         request.mutable_job()->mutable_sdedit()->mutable_guide()->mutable_encoded()->add_files(
             file);
         return request;
       }},
      {"job.dps.measurement.simulate_from",
       [](const std::string& file) {
         v1::CreateJobRequest request = DpsRequest(1);
         MutableMeasurement(request.mutable_job())
             ->mutable_simulate_from()
             ->mutable_encoded()
             ->add_files(file);
         return request;
       }},
  };
}

std::string PngOf(int width, int height) {
  Image image;
  image.width = width;
  image.height = height;
  image.pixels.assign(static_cast<size_t>(width) * height, 7);
  return EncodePng(image);
}

TEST_F(RequestLimitsTest, PixelsOfFiles) {
  RequestLimits limits;
  for (const FileField& field : FileFields()) {
    SCOPED_TRACE(field.field);
    const v1::CreateJobRequest request = field.request(PngOf(32, 32));
    limits.max_image_pixels = 32 * 32;
    ExpectPasses(request, limits);
    --limits.max_image_pixels;
    ExpectRefused(request, limits, std::string(field.field) + ".encoded.files[0]",
                  "at most 1023 pixels are allowed");
  }
}

// The header is enough: the rest of the file is not there to be decoded.
TEST_F(RequestLimitsTest, AFileThatClaimsToBeHugeIsRefusedByItsHeader) {
  std::string png = PngOf(32, 32);
  constexpr size_t kWidth = 16;  // of IHDR: big-endian, and a checksum after it
  constexpr size_t kEndOfHeader = 33;
  const unsigned char header[] = {0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff, 8, 0, 0, 0, 0};
  png.replace(kWidth, sizeof(header), reinterpret_cast<const char*>(header), sizeof(header));
  png.resize(kEndOfHeader);
  const auto refused = Prepare(FileFields()[0].request(png));
  EXPECT_EQ(FieldOf(refused.status()), "job.denoise.images.encoded.files[0]");
}

// --- Steps -------------------------------------------------------------------

struct StepCase {
  const char* field;
  std::function<void(v1::Job*)> set;
};

// Each of more than one evaluation a step where it can be.
std::vector<StepCase> StepCases() {
  return {
      {"sample.process.num_steps",
       [](v1::Job* j) { j->mutable_sample()->mutable_process()->set_num_steps(9); }},
      {"denoise.process.num_steps",
       [](v1::Job* j) {
         *j->mutable_denoise()->mutable_images() = FloatImages(1);
         j->mutable_denoise()->set_timestep(500);
         j->mutable_denoise()->mutable_process()->set_num_steps(9);
       }},
      {"dps.process.num_steps",
       [](v1::Job* j) { j->mutable_dps()->mutable_process()->set_num_steps(9); }},
      {"sdedit.num_repeats",
       [](v1::Job* j) {
         *j->mutable_sdedit()->mutable_guide() = FloatImages(1);
         j->mutable_sdedit()->mutable_process()->set_num_steps(9);
         j->mutable_sdedit()->set_num_repeats(4);
       }},
      {"ald.steps_per_level",
       [](v1::Job* j) {
         j->mutable_ald()->set_prior(v1::AldTask::LANGEVIN);
         j->mutable_ald()->mutable_process()->set_num_steps(9);
         j->mutable_ald()->set_steps_per_level(5);
       }},
      {"ald.process.num_steps",
       [](v1::Job* j) { j->mutable_ald()->mutable_process()->set_num_steps(9); }},
      {"ddnm.travel_repeats",
       [](v1::Job* j) {
         j->mutable_ddnm()->mutable_process()->set_num_steps(9);
         j->mutable_ddnm()->set_travel_length(2);
         j->mutable_ddnm()->set_travel_repeats(3);
       }},
      {"repaint.num_resamples",
       [](v1::Job* j) {
         j->mutable_repaint()->mutable_process()->set_num_steps(9);
         j->mutable_repaint()->set_jump_length(2);
         j->mutable_repaint()->set_num_resamples(3);
       }},
  };
}

// With a measurement if the task needs one.
v1::CreateJobRequest StepRequest(const StepCase& c) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model(kModel);
  c.set(request.mutable_job());
  const bool measured = MeasurementOf(request.job()) == nullptr && !request.job().has_sample() &&
                        !request.job().has_denoise() && !request.job().has_sdedit();
  if (!measured) return request;
  for (const MeasuredTask& task : MeasuredTasks()) {
    if (std::string(c.field).rfind(task.field, 0) != 0) continue;
    v1::Measurement* measurement = task.add(request.mutable_job());
    *measurement = BoxMeasurement(1);
    measurement->clear_noise();
  }
  return request;
}

TEST_F(RequestLimitsTest, StepsOfEveryMethodWithItsRepeats) {
  for (const StepCase& c : StepCases()) {
    SCOPED_TRACE(c.field);
    const v1::CreateJobRequest request = StepRequest(c);
    const auto free = Prepare(request);
    ASSERT_OK(free);
    RequestLimits limits;
    limits.max_steps_per_job = free->job.progress().num_steps();
    EXPECT_GE(limits.max_steps_per_job, 9);
    ExpectPasses(request, limits);
    --limits.max_steps_per_job;
    ExpectRefused(request, limits, std::string("job.") + c.field,
                  absl::StrCat("at most ", limits.max_steps_per_job, " evaluations"));
    if (free->job.progress().num_steps() == 9) continue;
    // What is too much without repeats is the process's.
    limits.max_steps_per_job = 8;
    ExpectRefused(
        request, limits,
        absl::StrCat("job.", std::string(c.field).substr(0, std::string(c.field).find('.')),
                     ".process.num_steps"),
        "at most 8 evaluations");
  }
}

TEST_F(RequestLimitsTest, ADenoisingInOneStepIsOneStep) {
  RequestLimits limits;
  limits.max_steps_per_job = 1;
  ExpectPasses(DenoiseRequest(1), limits);
}

// --- The trace ---------------------------------------------------------------

constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_F(RequestLimitsTest, TheTraceparentIsTheCallsAndKept) {
  v1::CreateJobRequest request = SampleRequest();
  request.mutable_job()->set_seed(1);
  request.mutable_job()->set_traceparent("the client cannot set it here");
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared,
                       PrepareJob(request, "ada", *models_, {}, kTraceparent));
  EXPECT_EQ(prepared.job.traceparent(), kTraceparent);
  EXPECT_EQ(ToProto(prepared.new_job.record).traceparent(), kTraceparent);
  ASSERT_OK_AND_ASSIGN(const PreparedJob without, Prepare(request));
  EXPECT_EQ(without.job.traceparent(), "");
}

TEST_F(RequestLimitsTest, ATraceparentMakesNoOtherRequest) {
  v1::CreateJobRequest request = SampleRequest();
  const std::string digest = RequestDigest(request);
  request.mutable_job()->set_traceparent(kTraceparent);
  request.mutable_job()->set_weights_sha256("of a job that was reported");
  EXPECT_EQ(RequestDigest(request), digest);
}

}  // namespace
}  // namespace tweedie
