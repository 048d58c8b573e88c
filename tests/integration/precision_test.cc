// A server whose networks are evaluated in bfloat16, through the public API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/inverse_requests.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kBfloat16 = {"--precision", "bfloat16"};

bool CpuHasBfloat16() {
  std::ifstream file("/proc/cpuinfo");
  std::stringstream text;
  text << file.rdbuf();
  return text.str().find(" avx512_bf16") != std::string::npos;
}

// Of images in [-1, 1], dB.
double Psnr(const std::string& a, const std::string& b) {
  EXPECT_EQ(a.size(), b.size());
  const size_t count = a.size() / sizeof(float);
  std::vector<float> x(count), y(count);
  std::memcpy(x.data(), a.data(), a.size());
  std::memcpy(y.data(), b.data(), b.size());
  double squares = 0;
  for (size_t i = 0; i < count; ++i) squares += std::pow(x[i] - y[i], 2);
  return 10 * std::log10(4 * static_cast<double>(count) / squares);
}

class Bfloat16Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CpuHasBfloat16()) GTEST_SKIP() << "this CPU has no avx512_bf16";
  }
  static std::string Create(TestClient& client, const v1::CreateJobRequest& request) {
    v1::Job job;
    const grpc::Status status = client.Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }
  static std::string Run(TestClient& client, const v1::CreateJobRequest& request) {
    return ResultOf(client, Create(client, request));
  }
};

TEST_F(Bfloat16Test, ImagesAreThoseOfFloat32ToRounding) {
  RunningServer server(kBfloat16);
  grpc::ClientContext context;
  v1::GetModelRequest get;
  get.set_name("models/fashion-mnist-32");
  v1::Model model;
  ASSERT_TRUE(server.client().stub().GetModel(&context, get, &model).ok());
  EXPECT_EQ(model.precision(), "bfloat16");
  for (const v1::CreateJobRequest& request :
       {SampleRequest(2, 100, 3), DpsRequest(2, 30, 4), SdeditRequest(2, 30, 5)}) {
    const double psnr = Psnr(Run(server.client(), request), Undisturbed(request));
    EXPECT_GT(psnr, 20) << request.ShortDebugString();
    EXPECT_LT(psnr, 90) << "nothing was rounded: " << request.ShortDebugString();
  }
}

// Both by the plan and, for gradients, by the modules.
TEST_F(Bfloat16Test, BitsDependOnNeitherBatchMatesNorThreads) {
  const std::vector<v1::CreateJobRequest> requests = {
      SampleRequest(3, 40, 1), DpsRequest(1, 20, 2), SampleRequest(1, 60, 3), DpsRequest(2, 20, 4)};
  std::vector<std::string> alone;
  RunningServer one({"--precision", "bfloat16", "--threads", "1"});
  for (const auto& request : requests) alone.push_back(Run(one.client(), request));
  RunningServer three({"--precision", "bfloat16", "--threads", "3"});
  std::vector<std::string> names;
  for (const auto& request : requests) names.push_back(Create(three.client(), request));
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_TRUE(ResultOf(three.client(), names[i]) == alone[i]) << i;
  }
}

TEST_F(Bfloat16Test, KilledServersJobsGoOnToTheSameBits) {
  for (const v1::CreateJobRequest& request : {SampleRequest(2, 500, 12), DpsRequest(1, 100, 13)}) {
    const int steps = request.job().has_sample() ? 300 : 60;
    RunningServer server(kBfloat16);
    const std::string name = Create(server.client(), request);
    ASSERT_TRUE(server.client().WaitForStep(name, steps).ok());
    server.process().Kill();
    server.Start();
    v1::Job job;
    const std::string result = ResultOf(server.client(), name, &job);
    EXPECT_EQ(job.attempt(), 2);
    EXPECT_TRUE(result == Undisturbed(request, kBfloat16));
  }
}

// oneDNN takes no instructions beyond those of the variable.
TEST(PrecisionTest, CpusWithoutTheInstructionsAreRefused) {
  const ScopedEnvironment isa("ONEDNN_MAX_CPU_ISA", "AVX512_CORE");
  TempFolder folder;
  std::string log;
  EXPECT_EQ(ServerProcess::Start(TWEEDIED, ServerArguments(folder.path(), kBfloat16), &log),
            nullptr);
  EXPECT_THAT(log, AllOf(HasSubstr("bfloat16"), HasSubstr("avx512_bf16")));
}

}  // namespace
}  // namespace tweedie
