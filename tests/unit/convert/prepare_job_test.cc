#include "server/convert/prepare_job.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <set>
#include <string>

#include "core/methods/make_method.h"
#include "core/weights/safetensors.h"
#include "imaging/image.h"
#include "server/convert/images_proto.h"
#include "server/convert/request_digest.h"
#include "server/convert/stored_job.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/equals_proto.h"
#include "tests/unit/convert/job_requests.h"

namespace tweedie {
namespace {

using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Process = v1::ReverseProcess;

constexpr char kUuid[] = "01234567-89AB-cdef-0123-456789abcdef";

// Everything that the client may set of a job, as sent back to it.
v1::Job ClientPart(v1::Job job) {
  job.clear_name();
  job.clear_state();
  job.clear_progress();
  job.clear_num_images();
  job.clear_creator();
  return job;
}

TEST_F(PrepareJobTest, SampleLeavesEverythingToTheModel) {
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(SampleRequest()));
  const v1::Job& job = prepared.job;
  EXPECT_THAT(job.name(), MatchesRegex("jobs/[a-z][a-z0-9]{11}"));
  EXPECT_EQ(job.model(), kModel);
  EXPECT_EQ(job.state(), v1::Job::QUEUED);
  EXPECT_EQ(job.priority(), v1::Job::NORMAL);
  EXPECT_EQ(job.creator(), "ada");
  EXPECT_EQ(job.num_images(), 1);
  EXPECT_EQ(job.samples_per_image(), 0);
  EXPECT_EQ(job.progress().num_steps(), 1000);
  EXPECT_TRUE(job.has_seed());
  EXPECT_FALSE(job.has_create_time() || job.has_expire_time() || job.has_error());
  EXPECT_EQ(job.sample().num_images(), 1);
  const Process& process = job.sample().process();
  EXPECT_EQ(process.kind(), Process::DDPM);
  EXPECT_EQ(process.num_steps(), 1000);
  EXPECT_EQ(process.variance(), Process::FIXED_SMALL);
  EXPECT_EQ(process.spacing(), Process::LEADING);
  EXPECT_TRUE(process.has_clip_x0() && process.clip_x0());
  EXPECT_FALSE(process.has_eta());
  EXPECT_EQ(prepared.input, "");
}

TEST_F(PrepareJobTest, NewJobCarriesTheColumns) {
  v1::CreateJobRequest request = SampleRequest();
  request.set_job_id("my-job-1");
  request.mutable_job()->mutable_sample()->set_num_images(7);
  request.mutable_job()->set_priority(v1::Job::INTERACTIVE);
  (*request.mutable_job()->mutable_labels())["run"] = "a";
  (*request.mutable_job()->mutable_labels())["x_1.y-z"] = "";
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  const JobRecord& record = prepared.new_job.record;
  EXPECT_EQ(record.id, "my-job-1");
  EXPECT_EQ(record.model, "fashion-mnist-32");
  EXPECT_EQ(record.creator, "ada");
  EXPECT_EQ(record.priority, JobPriority::kInteractive);
  EXPECT_THAT(record.labels, UnorderedElementsAre(Pair("run", "a"), Pair("x_1.y-z", "")));
  EXPECT_EQ(record.num_images, 7);
  EXPECT_EQ(record.cost_bytes, 7 * 1024 * 4 * 8);
  EXPECT_EQ(record.state, JobState::kQueued);
  EXPECT_EQ(prepared.job.name(), "jobs/my-job-1");
  EXPECT_EQ(prepared.job.labels().size(), 2U);
  EXPECT_EQ(prepared.new_job.request_id, "");
  EXPECT_EQ(prepared.new_job.request_digest, "");
}

TEST_F(PrepareJobTest, ExtremeButLegalEnvelopesPass) {
  v1::CreateJobRequest request = SampleRequest();
  request.set_job_id("a" + std::string(62, '-'));
  for (int i = 0; i < 63; ++i) (*request.mutable_job()->mutable_labels())[absl::StrCat("k", i)];
  (*request.mutable_job()->mutable_labels())["z" + std::string(62, '.')] = std::string(255, 'v');
  request.mutable_job()->set_seed(~uint64_t{0});
  request.mutable_job()->set_samples_per_image(1);
  request.mutable_job()->mutable_sample()->set_num_images(1024);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_EQ(prepared.job.seed(), ~uint64_t{0});
  request.set_job_id("abcd");
  EXPECT_OK(Prepare(request));
}

TEST_F(PrepareJobTest, SeedZeroIsASeed) {
  v1::CreateJobRequest request = SampleRequest();
  request.mutable_job()->set_seed(0);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_TRUE(prepared.job.has_seed());
  EXPECT_EQ(prepared.job.seed(), 0U);
}

TEST_F(PrepareJobTest, ChosenSeedsAndIdsDiffer) {
  std::set<uint64_t> seeds;
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(SampleRequest()));
    seeds.insert(prepared.job.seed());
    names.insert(prepared.job.name());
  }
  EXPECT_EQ(seeds.size(), 20U);
  EXPECT_EQ(names.size(), 20U);
}

TEST_F(PrepareJobTest, ReportedProcessHasOnlyItsKindsFields) {
  v1::CreateJobRequest request = SampleRequest();
  Process* process = request.mutable_job()->mutable_sample()->mutable_process();
  process->set_kind(Process::DDIM);
  process->set_num_steps(50);
  process->set_spacing(Process::TRAILING);
  process->set_clip_x0(false);
  ASSERT_OK_AND_ASSIGN(const PreparedJob ddim, Prepare(request));
  Process expected = *process;
  expected.set_eta(0);
  EXPECT_THAT(ddim.job.sample().process(), EqualsProto(expected));
  EXPECT_EQ(ddim.job.progress().num_steps(), 50);
  process->set_kind(Process::DPM_SOLVER_PP_2M);
  ASSERT_OK_AND_ASSIGN(const PreparedJob solver, Prepare(request));
  EXPECT_THAT(solver.job.sample().process(), EqualsProto(*process));
}

TEST_F(PrepareJobTest, DenoiseKeepsItsLevelAndLeavesOutItsImages) {
  v1::CreateJobRequest request = DenoiseRequest(3);
  request.mutable_job()->mutable_denoise()->set_timestep(0);
  *request.mutable_job()->mutable_reference() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  const v1::DenoiseTask& denoise = prepared.job.denoise();
  EXPECT_EQ(denoise.level_case(), v1::DenoiseTask::kTimestep);
  EXPECT_FALSE(denoise.has_images());
  EXPECT_FALSE(denoise.has_process());
  EXPECT_FALSE(prepared.job.has_reference());
  EXPECT_EQ(prepared.job.samples_per_image(), 1);
  EXPECT_EQ(prepared.job.num_images(), 3);
  EXPECT_EQ(prepared.job.progress().num_steps(), 1);
  request.mutable_job()->mutable_denoise()->set_noise_sigma(0.5);
  ASSERT_OK_AND_ASSIGN(const PreparedJob by_sigma, Prepare(request));
  EXPECT_EQ(by_sigma.job.denoise().noise_sigma(), 0.5);
}

TEST_F(PrepareJobTest, DenoiseByProcessStartsAtItsLevel) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  request.mutable_job()->mutable_denoise()->mutable_process();
  request.mutable_job()->set_samples_per_image(4);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_EQ(prepared.job.denoise().process().num_steps(), 101);  // timesteps 0..100
  EXPECT_EQ(prepared.job.num_images(), 8);
  EXPECT_EQ(prepared.new_job.record.cost_bytes, 8 * 1024 * 4 * 8);
}

TEST_F(PrepareJobTest, InputHoldsTheTensors) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  *request.mutable_job()->mutable_reference() = FloatImages(2);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const TensorFile file, ParseSafetensors(prepared.input));
  ASSERT_OK_AND_ASSIGN(const at::Tensor images, ReadImages(FloatImages(2), {1, 32, 32}, 2));
  ASSERT_EQ(file.tensors.size(), 2U);
  EXPECT_TRUE(file.tensors.at("images").equal(images));
  EXPECT_TRUE(file.tensors.at("reference").equal(images));
}

TEST_F(PrepareJobTest, EncodedImagesServe) {
  Image picture{32, 32, 1, 255, std::vector<uint16_t>(1024, 51)};
  v1::CreateJobRequest request = DenoiseRequest();
  auto* files = request.mutable_job()->mutable_denoise()->mutable_images()->mutable_encoded();
  for (int i = 0; i < 3; ++i) files->add_files(EncodePng(picture));
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_EQ(prepared.job.num_images(), 3);
  ASSERT_OK_AND_ASSIGN(const TensorFile file, ParseSafetensors(prepared.input));
  EXPECT_TRUE(file.tensors.at("images").eq(static_cast<float>(51 / 127.5 - 1)).all().item<bool>());
}

TEST_F(PrepareJobTest, OutputOnlyFieldsAreIgnored) {
  v1::CreateJobRequest request = SampleRequest();
  v1::Job* job = request.mutable_job();
  job->set_seed(1);
  request.set_job_id("same-id");
  ASSERT_OK_AND_ASSIGN(const PreparedJob plain, Prepare(request));
  job->set_name("jobs/other");
  job->set_state(v1::Job::FAILED);
  job->mutable_error()->set_code(13);
  job->set_num_images(77);
  job->set_creator("eve");
  job->set_attempt(3);
  job->set_crashes(2);
  job->set_server("s");
  job->set_device("d");
  job->add_metrics()->set_psnr(1);
  job->mutable_progress()->set_step(9);
  job->mutable_create_time()->set_seconds(1);
  job->mutable_start_time()->set_seconds(1);
  job->mutable_end_time()->set_seconds(1);
  job->mutable_expire_time()->set_seconds(1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_THAT(prepared.job, EqualsProto(plain.job));
  EXPECT_EQ(prepared.new_job.record.spec, plain.new_job.record.spec);
}

// --- A reported job, sent again ---------------------------------------------

class ResubmitTest : public PrepareJobTest {
 protected:
  // Sends back what was reported for `request`, with its tensors, and expects
  // the same work.
  static void ExpectSame(const v1::CreateJobRequest& request) {
    ASSERT_OK_AND_ASSIGN(const PreparedJob first, Prepare(request));
    v1::CreateJobRequest again;
    *again.mutable_job() = first.job;
    if (request.job().has_denoise()) {
      *again.mutable_job()->mutable_denoise()->mutable_images() = request.job().denoise().images();
    }
    if (request.job().has_reference()) {
      *again.mutable_job()->mutable_reference() = request.job().reference();
    }
    ASSERT_OK_AND_ASSIGN(const PreparedJob second, Prepare(again));
    EXPECT_THAT(ClientPart(second.job), EqualsProto(ClientPart(first.job)));
    EXPECT_EQ(second.new_job.record.spec, first.new_job.record.spec);
    EXPECT_EQ(second.input, first.input);
  }
};

TEST_F(ResubmitTest, EveryKindOfSampling) {
  for (const auto kind :
       {Process::KIND_UNSPECIFIED, Process::DDPM, Process::DDIM, Process::DPM_SOLVER_PP_2M}) {
    for (const int steps : {0, 7, 1000}) {
      v1::CreateJobRequest request = SampleRequest();
      request.mutable_job()->mutable_sample()->set_num_images(2);
      Process* process = request.mutable_job()->mutable_sample()->mutable_process();
      process->set_kind(kind);
      process->set_num_steps(steps);
      ExpectSame(request);
    }
  }
}

TEST_F(ResubmitTest, EveryFieldSet) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  v1::Job* job = request.mutable_job();
  job->set_seed(0);
  job->set_priority(v1::Job::BATCH);
  job->set_samples_per_image(3);
  (*job->mutable_labels())["k"] = "v";
  *job->mutable_reference() = FloatImages(6);
  job->mutable_denoise()->set_add_noise(true);
  job->mutable_denoise()->set_noise_sigma(0.75);
  Process* process = job->mutable_denoise()->mutable_process();
  process->set_kind(Process::DDPM);
  process->set_num_steps(5);
  process->set_variance(Process::FIXED_LARGE);
  process->set_spacing(Process::LINSPACE);
  process->set_clip_x0(false);
  ExpectSame(request);
  process->clear_variance();
  process->set_kind(Process::DDIM);
  process->set_eta(0.25);
  ExpectSame(request);
}

TEST_F(ResubmitTest, DefaultsOfDenoising) {
  ExpectSame(DenoiseRequest(1));
  v1::CreateJobRequest request = DenoiseRequest(1);
  request.mutable_job()->mutable_denoise()->mutable_process();
  ExpectSame(request);
}

// --- What makes two requests the same ----------------------------------------

class DigestTest : public PrepareJobTest {
 protected:
  static v1::CreateJobRequest Request() {
    v1::CreateJobRequest request = DenoiseRequest(1);
    request.set_request_id(kUuid);
    return request;
  }
};

TEST_F(DigestTest, ReplayIsRecognisedThoughTheServerChoseSeedAndId) {
  ASSERT_OK_AND_ASSIGN(const PreparedJob first, Prepare(Request()));
  ASSERT_OK_AND_ASSIGN(const PreparedJob second, Prepare(Request()));
  EXPECT_NE(first.job.seed(), second.job.seed());
  EXPECT_EQ(first.new_job.request_digest, second.new_job.request_digest);
  EXPECT_THAT(first.new_job.request_digest, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(first.new_job.request_id, "01234567-89ab-cdef-0123-456789abcdef");
}

TEST_F(DigestTest, IgnoresWhatTheServerIgnores) {
  v1::CreateJobRequest request = Request();
  request.set_request_id("11111111-1111-1111-1111-111111111111");
  request.set_validate_only(true);
  request.mutable_job()->set_name("jobs/other");
  request.mutable_job()->set_state(v1::Job::FAILED);
  request.mutable_job()->mutable_progress()->set_step(3);
  request.mutable_job()->mutable_expire_time()->set_seconds(5);
  EXPECT_EQ(RequestDigest(request), RequestDigest(Request()));
}

TEST_F(DigestTest, TellsRequestsApart) {
  std::set<std::string> digests = {RequestDigest(Request())};
  const auto add = [&](auto change) {
    v1::CreateJobRequest request = Request();
    change(&request);
    return digests.insert(RequestDigest(request)).second;
  };
  EXPECT_TRUE(add([](auto* r) { r->set_job_id("abcd"); }));
  EXPECT_TRUE(add([](auto* r) { r->mutable_job()->set_seed(0); }));
  EXPECT_TRUE(add([](auto* r) { r->mutable_job()->set_model("models/x"); }));
  EXPECT_TRUE(add([](auto* r) { r->mutable_job()->set_priority(v1::Job::BATCH); }));
  EXPECT_TRUE(add([](auto* r) { r->mutable_job()->mutable_denoise()->set_timestep(99); }));
  EXPECT_TRUE(add([](auto* r) { r->mutable_job()->mutable_denoise()->mutable_process(); }));
  EXPECT_TRUE(add([](auto* r) {
    (*r->mutable_job()->mutable_denoise()->mutable_images()->mutable_tensor()->mutable_data())[5] ^=
        1;
  }));
  EXPECT_TRUE(add([](auto* r) { *r->mutable_job()->mutable_reference() = FloatImages(1); }));
}

TEST_F(DigestTest, DoesNotDependOnTheOrderOfLabels) {
  v1::CreateJobRequest forward = Request();
  v1::CreateJobRequest backward = Request();
  for (int i = 0; i < 50; ++i) {
    (*forward.mutable_job()->mutable_labels())[absl::StrCat("k", i)] = std::string(1, 'v');
    (*backward.mutable_job()->mutable_labels())[absl::StrCat("k", 49 - i)] = std::string(1, 'v');
  }
  EXPECT_EQ(RequestDigest(forward), RequestDigest(backward));
}

}  // namespace
}  // namespace tweedie
