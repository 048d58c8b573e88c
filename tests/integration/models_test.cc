// Models come, change and go while jobs run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kWeights[] = "/diffusion_pytorch_model.safetensors";

class ModelsTest : public testing::Test {
 protected:
  // Of the project's own model.
  void Add(const std::string& name) { fs::copy(kDefault, models_.File(name)); }
  void StartServer(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--models-dir", models_.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    server_ = std::make_unique<RunningServer>(arguments);
  }
  TestClient& client() { return server_->client(); }

  v1::Model Model(const std::string& name) {
    grpc::ClientContext context;
    v1::GetModelRequest request;
    request.set_name("models/" + name);
    v1::Model model;
    const grpc::Status status = client().stub().GetModel(&context, request, &model);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return model;
  }
  bool Exists(const std::string& name) {
    grpc::ClientContext context;
    v1::GetModelRequest request;
    request.set_name("models/" + name);
    v1::Model model;
    return client().stub().GetModel(&context, request, &model).ok();
  }
  std::string Create(const std::string& model, int steps = 20) {
    v1::CreateJobRequest request = SampleRequest(2, steps, 7);
    request.mutable_job()->set_model("models/" + model);
    v1::Job job;
    const grpc::Status status = client().Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }
  std::string Run(const std::string& model, int steps = 20) {
    return ResultOf(client(), Create(model, steps));
  }

  // The default weights with another last value: other results. There whole or not
  // at all.
  void Change(const std::string& name) {
    std::string bytes = ReadFile(absl::StrCat(kDefault, kWeights), int64_t{1} << 30).value();
    const float value = 0.25F;
    std::memcpy(bytes.data() + bytes.size() - sizeof(value), &value, sizeof(value));
    Write(name, bytes);
  }
  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(WriteFileDurably(models_.File(name + kWeights), bytes).ok());
  }

  // tools/golden/service.py
  void ExpectAsInDiffusers(v1::CreateJobRequest request, const std::string& golden) {
    v1::ReverseProcess& process = *request.mutable_job()->mutable_sample()->mutable_process();
    process.set_kind(v1::ReverseProcess::DDPM);
    process.set_spacing(v1::ReverseProcess::LEADING);
    v1::Job job;
    const grpc::Status created = client().Create(request, &job);
    ASSERT_TRUE(created.ok()) << created.error_message();
    const std::vector<float> images = Floats(ResultOf(client(), job.name()));
    const std::vector<float> expected = Floats(
        ReadFile(absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/service/v1/", golden, ".f32"),
                 1 << 20)
            .value());
    EXPECT_THAT(images, testing::Pointwise(testing::FloatNear(2e-4), expected)) << golden;
  }
  static std::vector<float> Floats(const std::string& bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
  }

  static constexpr char kDefault[] = TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32";
  const TempFolder models_;
  std::unique_ptr<RunningServer> server_;
};

TEST_F(ModelsTest, ASwapUnderLoadFailsNoJobAndMixesNoWeights) {
  Add("m");
  StartServer();
  const std::string sha256 = Model("m").weights_sha256();
  const std::string before = Run("m", 60);
  std::vector<std::string> jobs;
  for (int i = 0; i < 8; ++i) jobs.push_back(Create("m", 60));
  ASSERT_TRUE(client().WaitForStep(jobs[0], 5).ok());
  Change("m");
  // Each of these is waited for, so that the queue never runs dry and time goes by.
  while (Model("m").weights_sha256() == sha256) {
    jobs.push_back(Create("m", 60));
    Run("m", 3);
  }
  const std::string after = Run("m", 60);
  EXPECT_NE(after, before);
  EXPECT_EQ(ResultOf(client(), jobs[0]), before) << "it had begun";
  for (const std::string& name : jobs) {
    v1::Job job;
    const std::string result = ResultOf(client(), name, &job);
    EXPECT_EQ(result, job.weights_sha256() == sha256 ? before : after) << name;
  }
  EXPECT_EQ(server_->Terminate(), 0);
}

// The whole way: labels and variance from the request to the images.
TEST_F(ModelsTest, ClassesAndLearnedVariancesAreAsInDiffusers) {
  for (const std::string name : {"class-conditional", "learned-variance"}) {
    fs::copy(absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/network/v1/", name),
             models_.File(name));
  }
  StartServer();
  v1::CreateJobRequest classes = SampleRequest(3, 10, 1234);
  classes.mutable_job()->set_model("models/class-conditional");
  for (const int label : {3, 7, 0}) classes.mutable_job()->add_class_labels(label);
  ExpectAsInDiffusers(classes, "class-conditional");
  v1::CreateJobRequest variance = SampleRequest(3, 10, 1234);
  variance.mutable_job()->set_model("models/learned-variance");
  variance.mutable_job()->mutable_sample()->mutable_process()->set_variance(
      v1::ReverseProcess::LEARNED_RANGE);
  ExpectAsInDiffusers(variance, "learned-variance");
}

TEST_F(ModelsTest, ModelsShareTheMemoryThatThereIs) {
  Add("a");
  Add("b");
  // Room for one: 6.2 MiB, and 49 MiB as its plan packs them.
  StartServer({"--max-model-mebibytes", "60"});
  EXPECT_EQ(Model("a").state(), v1::Model::READY);
  EXPECT_EQ(Model("b").state(), v1::Model::UNLOADED);
  EXPECT_EQ(Model("b").num_parameters(), Model("a").num_parameters());
  const std::string result = Run("a");
  EXPECT_EQ(Run("b"), result);
  EXPECT_EQ(Model("a").state(), v1::Model::UNLOADED);
  EXPECT_EQ(Model("b").state(), v1::Model::READY);
  std::vector<std::string> jobs;
  for (int i = 0; i < 6; ++i) jobs.push_back(Create(i % 2 == 0 ? "a" : "b"));
  for (const std::string& job : jobs) EXPECT_EQ(ResultOf(client(), job), result);
}

TEST_F(ModelsTest, ANewModelIsServedAndABrokenChangeTold) {
  Add("a");
  StartServer();
  Add("b");
  while (!Exists("b")) Run("a", 3);
  Write("a", "not safetensors");
  while (Model("a").error().empty()) Run("b", 3);
  EXPECT_EQ(Model("a").state(), v1::Model::READY);
  EXPECT_THAT(Model("a").error(), HasSubstr("safetensors"));
  EXPECT_EQ(Run("a"), Run("b"));
}

}  // namespace
}  // namespace tweedie
