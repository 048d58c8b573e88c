// Every rule that a request can break: the code, the field's path from the
// request, and a fragment of the message.

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "core/diffusion/diffusion_model.h"
#include "server/convert/job_work.h"
#include "server/convert/prepare_job.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/job_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using Request = v1::CreateJobRequest;
using Process = v1::ReverseProcess;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

struct BadRequest {
  const char* name;
  std::function<void(Request*)> spoil;
  const char* field;  // nullptr: none
  const char* message;
  absl::StatusCode code = kInvalid;
};

// Changes to a request that samples.
std::vector<BadRequest> BadEnvelopes() {
  return {
      {"NoJob", [](Request* r) { r->clear_job(); }, "job", "is required"},
      {"NoTask", [](Request* r) { r->mutable_job()->clear_task(); }, "job.task", "is required"},
      {"ShortId", [](Request* r) { r->set_job_id("abc"); }, "job_id", "was \"abc\""},
      {"LongId", [](Request* r) { r->set_job_id(std::string(64, 'a')); }, "job_id", "4 to 63"},
      {"IdFirstDigit", [](Request* r) { r->set_job_id("1abc"); }, "job_id", "first a letter"},
      {"IdFirstDash", [](Request* r) { r->set_job_id("-abc"); }, "job_id", "first a letter"},
      {"IdUpperCase", [](Request* r) { r->set_job_id("Abcd"); }, "job_id", "was \"Abcd\""},
      {"IdWithSlash", [](Request* r) { r->set_job_id("ab/cd"); }, "job_id", "[a-z0-9-]"},
      {"IdWithNul", [](Request* r) { r->set_job_id(std::string("abc\0d", 5)); }, "job_id",
       R"(was "abc\x00)"},
      {"IdHuge", [](Request* r) { r->set_job_id(std::string(1 << 20, 'a')); }, "job_id", "...\""},
      {"RequestIdNoUuid", [](Request* r) { r->set_request_id("once"); }, "request_id",
       "must be a UUID"},
      {"RequestIdNoDashes",
       [](Request* r) { r->set_request_id("0123456789abcdef0123456789abcdef0123"); }, "request_id",
       "must be a UUID"},
      {"RequestIdNotHex",
       [](Request* r) { r->set_request_id("0123456g-89ab-cdef-0123-456789abcdef"); }, "request_id",
       "0123456g"},
      {"Priority",
       [](Request* r) { r->mutable_job()->set_priority(static_cast<v1::Job::Priority>(9)); },
       "job.priority", "was 9"},
      {"LabelKeyUpperCase", [](Request* r) { (*r->mutable_job()->mutable_labels())["Run"] = "1"; },
       "job.labels", "\"Run\""},
      {"LabelKeyEmpty", [](Request* r) { (*r->mutable_job()->mutable_labels())[""] = "1"; },
       "job.labels", "\"\""},
      {"LabelKeyDigit", [](Request* r) { (*r->mutable_job()->mutable_labels())["1a"] = "1"; },
       "job.labels", "\"1a\""},
      {"LabelKeyLong",
       [](Request* r) { (*r->mutable_job()->mutable_labels())[std::string(64, 'k')] = "1"; },
       "job.labels", "{0,62}"},
      {"LabelValueLong",
       [](Request* r) { (*r->mutable_job()->mutable_labels())["run"] = std::string(256, 'v'); },
       "job.labels", "at most 255 bytes; that of \"run\" has 256"},
      {"LabelValueNul",
       [](Request* r) { (*r->mutable_job()->mutable_labels())["run"] = std::string("a\0b", 3); },
       "job.labels", "without NUL; that of \"run\""},
      {"LabelsTooMany",
       [](Request* r) {
         for (int i = 0; i < 65; ++i) (*r->mutable_job()->mutable_labels())[absl::StrCat("k", i)];
       },
       "job.labels", "at most 64 pairs; were 65"},
      {"NoModel", [](Request* r) { r->mutable_job()->clear_model(); }, "job.model", "is required"},
      {"ModelNoPrefix", [](Request* r) { r->mutable_job()->set_model("fashion-mnist-32"); },
       "job.model", "was \"fashion-mnist-32\""},
      {"ModelNoName", [](Request* r) { r->mutable_job()->set_model("models/"); }, "job.model",
       "models/NAME"},
      {"ModelUpperCase", [](Request* r) { r->mutable_job()->set_model("models/A"); }, "job.model",
       "models/NAME"},
      {"ModelPath", [](Request* r) { r->mutable_job()->set_model("models/../etc"); }, "job.model",
       "models/NAME"},
      {"ModelLong",
       [](Request* r) { r->mutable_job()->set_model("models/" + std::string(64, 'a')); },
       "job.model", "models/NAME"},
      {"ModelUnknown", [](Request* r) { r->mutable_job()->set_model("models/none"); }, nullptr,
       "models/none", absl::StatusCode::kNotFound},
      {"ModelBroken", [](Request* r) { r->mutable_job()->set_model("models/broken"); }, nullptr,
       "models/broken could not be loaded: ", absl::StatusCode::kFailedPrecondition},
      {"SamplesNegative", [](Request* r) { r->mutable_job()->set_samples_per_image(-1); },
       "job.samples_per_image", "was -1"},
      {"SamplesOfSampling", [](Request* r) { r->mutable_job()->set_samples_per_image(2); },
       "job.samples_per_image", "must be unset for `sample`"},
      {"ClassOfPlainModel", [](Request* r) { r->mutable_job()->add_class_labels(0); },
       "job.class_labels", "not class-conditional"},
      {"ReferenceEmpty", [](Request* r) { r->mutable_job()->mutable_reference(); },
       "job.reference.content", "is required"},
      {"ReferenceTwoForThree",
       [](Request* r) {
         r->mutable_job()->mutable_sample()->set_num_images(3);
         *r->mutable_job()->mutable_reference() = FloatImages(2);
       },
       "job.reference", "must be 1 (for all) or 3 (one an image); was 2"},
      {"ReferenceShape",
       [](Request* r) {
         *r->mutable_job()->mutable_reference() = FloatImages(1);
         r->mutable_job()->mutable_reference()->mutable_tensor()->set_shape(2, 31);
       },
       "job.reference.tensor.shape", "must be [N, 1, 32, 32]"},
      {"ReferenceFile",
       [](Request* r) { r->mutable_job()->mutable_reference()->mutable_encoded()->add_files("x"); },
       "job.reference.encoded.files[0]", "must be a PNG or JPEG file"},
  };
}

Process* SampleProcess(Request* r) { return r->mutable_job()->mutable_sample()->mutable_process(); }

// Likewise.
std::vector<BadRequest> BadSamples() {
  return {
      {"CountNegative", [](Request* r) { r->mutable_job()->mutable_sample()->set_num_images(-1); },
       "job.sample.num_images", "was -1"},
      {"CountTooLarge",
       [](Request* r) { r->mutable_job()->mutable_sample()->set_num_images(1025); },
       "job.sample.num_images",
       "must be at most 1024 (limit of one job with this model); was 1025"},
      {"CountHuge",
       [](Request* r) {
         r->mutable_job()->mutable_sample()->set_num_images(std::numeric_limits<int>::max());
       },
       "job.sample.num_images", "2147483647"},
      {"Kind", [](Request* r) { SampleProcess(r)->set_kind(static_cast<Process::Kind>(4)); },
       "job.sample.process.kind", "DDPM, DDIM, DPM_SOLVER_PP_2M; was 4"},
      {"Variance",
       [](Request* r) { SampleProcess(r)->set_variance(static_cast<Process::Variance>(-1)); },
       "job.sample.process.variance", "was -1"},
      {"Spacing",
       [](Request* r) { SampleProcess(r)->set_spacing(static_cast<Process::Spacing>(77)); },
       "job.sample.process.spacing", "was 77"},
      {"StepsNegative", [](Request* r) { SampleProcess(r)->set_num_steps(-5); },
       "job.sample.process.num_steps", "-5"},
      {"StepsTooMany", [](Request* r) { SampleProcess(r)->set_num_steps(1001); },
       "job.sample.process.num_steps", "1001"},
      {"EtaOfDdpm", [](Request* r) { SampleProcess(r)->set_eta(0.5); }, "job.sample.process.eta",
       "DDIM"},
      {"EtaOfSolver",
       [](Request* r) {
         SampleProcess(r)->set_kind(Process::DPM_SOLVER_PP_2M);
         SampleProcess(r)->set_eta(0);
       },
       "job.sample.process.eta", "DDIM"},
      {"EtaAboveOne",
       [](Request* r) {
         SampleProcess(r)->set_kind(Process::DDIM);
         SampleProcess(r)->set_eta(1.5);
       },
       "job.sample.process.eta", "1.5"},
      {"EtaNegative",
       [](Request* r) {
         SampleProcess(r)->set_kind(Process::DDIM);
         SampleProcess(r)->set_eta(-0.5);
       },
       "job.sample.process.eta", "-0.5"},
      {"EtaNan",
       [](Request* r) {
         SampleProcess(r)->set_kind(Process::DDIM);
         SampleProcess(r)->set_eta(std::numeric_limits<double>::quiet_NaN());
       },
       "job.sample.process.eta", "nan"},
      {"VarianceOfDdim",
       [](Request* r) {
         SampleProcess(r)->set_kind(Process::DDIM);
         SampleProcess(r)->set_variance(Process::FIXED_SMALL);
       },
       "job.sample.process.variance", "DDPM"},
      {"VarianceNotLearned",
       [](Request* r) { SampleProcess(r)->set_variance(Process::LEARNED_RANGE); },
       "job.sample.process.variance", "LEARNED_RANGE"},
  };
}

v1::DenoiseTask* Denoise(Request* r) { return r->mutable_job()->mutable_denoise(); }

// Changes to a request that denoises two images.
std::vector<BadRequest> BadDenoises() {
  return {
      {"NoLevel", [](Request* r) { Denoise(r)->clear_level(); }, "job.denoise.level",
       "is required: `timestep` or `noise_sigma`"},
      {"TimestepNegative", [](Request* r) { Denoise(r)->set_timestep(-1); }, "job.denoise.timestep",
       "-1"},
      {"TimestepTooLarge", [](Request* r) { Denoise(r)->set_timestep(1000); },
       "job.denoise.timestep", "1000"},
      {"SigmaNegative", [](Request* r) { Denoise(r)->set_noise_sigma(-0.1); },
       "job.denoise.noise_sigma", "-0.1"},
      {"SigmaTooLarge", [](Request* r) { Denoise(r)->set_noise_sigma(1e6); },
       "job.denoise.noise_sigma", "e+06"},
      {"SigmaNan",
       [](Request* r) { Denoise(r)->set_noise_sigma(std::numeric_limits<double>::quiet_NaN()); },
       "job.denoise.noise_sigma", "nan"},
      {"NoImages", [](Request* r) { Denoise(r)->clear_images(); }, "job.denoise.images",
       "is required"},
      {"NoContent", [](Request* r) { Denoise(r)->mutable_images()->Clear(); },
       "job.denoise.images.content", "is required"},
      {"NoFiles", [](Request* r) { Denoise(r)->mutable_images()->mutable_encoded(); },
       "job.denoise.images.encoded.files", "is required"},
      {"NoType",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->clear_data_type(); },
       "job.denoise.images.tensor.data_type", "is required"},
      {"ImagesShape",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->set_shape(1, 3); },
       "job.denoise.images.tensor.shape", "was [2, 3, 32, 32]"},
      {"ImagesData",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->clear_data(); },
       "job.denoise.images.tensor.data", "must be 8192 bytes"},
      {"ImagesNone",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->set_shape(0, 0); },
       "job.denoise.images.tensor.shape", "was [0, 1, 32, 32]"},
      {"ImagesNegative",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->set_shape(0, -3); },
       "job.denoise.images.tensor.shape", "was [-3, 1, 32, 32]"},
      {"ImagesTooMany",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_tensor()->set_shape(0, 1 << 30); },
       "job.denoise.images", "must be at most 1024"},
      {"ImagesOverflow",
       [](Request* r) {
         Denoise(r)->mutable_images()->mutable_tensor()->set_shape(
             0, std::numeric_limits<int64_t>::max());
       },
       "job.denoise.images", "must be at most 1024"},
      {"ImageFile",
       [](Request* r) { Denoise(r)->mutable_images()->mutable_encoded()->add_files("GIF89a"); },
       "job.denoise.images.encoded.files[0]", "must be a PNG or JPEG file"},
      {"ResultsTooMany", [](Request* r) { r->mutable_job()->set_samples_per_image(513); },
       "job.samples_per_image", "must be at most 512"},
      {"SamplesHuge",
       [](Request* r) { r->mutable_job()->set_samples_per_image(std::numeric_limits<int>::max()); },
       "job.samples_per_image", "was 2147483647"},
      {"SamplesNegativeToo", [](Request* r) { r->mutable_job()->set_samples_per_image(-2); },
       "job.samples_per_image", "was -2"},
      {"ReferenceThreeForSix",
       [](Request* r) {
         r->mutable_job()->set_samples_per_image(3);
         *r->mutable_job()->mutable_reference() = FloatImages(3);
       },
       "job.reference", "or 6 (one an image) or 2 (one an input); was 3"},
      {"ProcessKind",
       [](Request* r) { Denoise(r)->mutable_process()->set_kind(static_cast<Process::Kind>(8)); },
       "job.denoise.process.kind", "was 8"},
      {"ProcessSolver",
       [](Request* r) { Denoise(r)->mutable_process()->set_kind(Process::DPM_SOLVER_PP_2M); },
       "job.denoise.process.kind", ""},
      {"ProcessSteps", [](Request* r) { Denoise(r)->mutable_process()->set_num_steps(102); },
       "job.denoise.process.num_steps", "102"},
      {"ProcessEta", [](Request* r) { Denoise(r)->mutable_process()->set_eta(0.1); },
       "job.denoise.process.eta", "DDIM"},
  };
}

class RequestErrorsTest : public PrepareJobTest {
 protected:
  static void Check(const std::vector<BadRequest>& table, const Request& good) {
    ASSERT_OK(Prepare(good));
    for (const BadRequest& bad : table) {
      SCOPED_TRACE(bad.name);
      Request request = good;
      bad.spoil(&request);
      const absl::StatusOr<PreparedJob> prepared = Prepare(request);
      EXPECT_THAT(prepared, StatusIs(bad.code, HasSubstr(bad.message)));
      const std::optional<std::string> field = FieldOf(prepared.status());
      EXPECT_EQ(field.value_or("(none)"), bad.field == nullptr ? "(none)" : bad.field);
      EXPECT_LT(prepared.status().message().size(), 400U);
    }
  }
};

TEST_F(RequestErrorsTest, EnvelopesAreCheckedByField) { Check(BadEnvelopes(), SampleRequest()); }
TEST_F(RequestErrorsTest, SamplingIsCheckedByField) { Check(BadSamples(), SampleRequest()); }
TEST_F(RequestErrorsTest, DenoisingIsCheckedByField) { Check(BadDenoises(), DenoiseRequest()); }

TEST_F(RequestErrorsTest, MemoryLimitsTheImagesOfAJob) {
  RequestLimits limits;
  limits.max_cost_bytes = 5 * (1024 * 4 * 8) + 17;  // five images and a bit
  Request sample = SampleRequest();
  sample.mutable_job()->mutable_sample()->set_num_images(5);
  EXPECT_OK(Prepare(sample, limits));
  sample.mutable_job()->mutable_sample()->set_num_images(6);
  EXPECT_THAT(Prepare(sample, limits),
              StatusIs(kInvalid, HasSubstr("job.sample.num_images must be at most 5")));
  EXPECT_THAT(Prepare(DenoiseRequest(6), limits),
              StatusIs(kInvalid, HasSubstr("job.denoise.images must be at most 5")));
  Request many = DenoiseRequest(2);
  many.mutable_job()->set_samples_per_image(2);
  EXPECT_OK(Prepare(many, limits));
  many.mutable_job()->set_samples_per_image(3);
  EXPECT_THAT(Prepare(many, limits),
              StatusIs(kInvalid, HasSubstr("job.samples_per_image must be at most 2")));
}

TEST_F(RequestErrorsTest, AModelTooLargeForTheServerIsRefused) {
  RequestLimits limits;
  limits.max_cost_bytes = 100;
  EXPECT_THAT(Prepare(SampleRequest(), limits),
              StatusIs(kInvalid, HasSubstr("job.sample.num_images must be at most 0")));
}

// --- Class-conditional models: the default model is not one -----------------

class ClassLabelsTest : public PrepareJobTest {
 protected:
  static absl::StatusOr<JobWork> Read(const v1::Job& job) {
    const DiffusionModel& plain = *models_->Find("fashion-mnist-32")->model->diffusion;
    DiffusionModel model = plain;
    model.num_classes = 10;
    return ReadJobWork(job, model, {});
  }
  // Two inputs, two results of each.
  static v1::Job Job(const std::vector<int>& labels) {
    v1::Job job = DenoiseRequest(2).job();
    job.set_samples_per_image(2);
    for (const int label : labels) job.add_class_labels(label);
    return job;
  }
  static void ExpectRefused(const v1::Job& job, const std::string& field, const char* message) {
    const auto work = Read(job);
    EXPECT_THAT(work, StatusIs(kInvalid, HasSubstr(message)));
    EXPECT_EQ(FieldOf(work.status()).value_or("(none)"), field);
  }
};

TEST_F(ClassLabelsTest, OneForAllOneAnInputOrOneAResult) {
  using ::testing::ElementsAre;
  ASSERT_OK_AND_ASSIGN(JobWork one, Read(Job({7})));
  EXPECT_THAT(one.task.class_labels, ElementsAre(7));
  ASSERT_OK_AND_ASSIGN(JobWork inputs, Read(Job({3, 9})));
  EXPECT_THAT(inputs.task.class_labels, ElementsAre(3, 3, 9, 9));
  ASSERT_OK_AND_ASSIGN(JobWork results, Read(Job({0, 1, 2, 3})));
  EXPECT_THAT(results.task.class_labels, ElementsAre(0, 1, 2, 3));
}

TEST_F(ClassLabelsTest, OthersAreRefused) {
  ExpectRefused(Job({}), "job.class_labels", "is required: the model has 10 classes");
  ExpectRefused(Job({1, 2, 3}), "job.class_labels", "was 3");
  ExpectRefused(Job({10}), "job.class_labels[0]", "must be in 0..9; was 10");
  ExpectRefused(Job({1, 2, 3, -1}), "job.class_labels[3]", "was -1");
}

}  // namespace
}  // namespace tweedie
