// tweedied --lpips: refuses what is no LPIPS network, and reports distances.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The tensors of an LPIPS network by AlexNet.
std::vector<std::pair<std::string, std::vector<int64_t>>> AlexTensors() {
  return {{"features.0.bias", {64}},       {"features.0.weight", {64, 3, 11, 11}},
          {"features.10.bias", {256}},     {"features.10.weight", {256, 256, 3, 3}},
          {"features.3.bias", {192}},      {"features.3.weight", {192, 64, 5, 5}},
          {"features.6.bias", {384}},      {"features.6.weight", {384, 192, 3, 3}},
          {"features.8.bias", {256}},      {"features.8.weight", {256, 384, 3, 3}},
          {"lin0.weight", {1, 64, 1, 1}},  {"lin1.weight", {1, 192, 1, 1}},
          {"lin2.weight", {1, 384, 1, 1}}, {"lin3.weight", {1, 256, 1, 1}},
          {"lin4.weight", {1, 256, 1, 1}}};
}

// A safetensors file of them, without pretence of training; heads are positive.
void WriteAlex(const std::string& path, const std::string& metadata) {
  std::vector<std::string> entries = {absl::StrCat("\"__metadata__\":{", metadata, "}")};
  std::vector<float> values;
  uint32_t state = 1;
  for (const auto& [name, shape] : AlexTensors()) {
    const size_t begin = values.size();
    size_t count = 1;
    for (const int64_t size : shape) count *= static_cast<size_t>(size);
    for (size_t i = 0; i < count; ++i) {
      state = state * 1664525 + 1013904223;
      const float u = static_cast<float>(state >> 8) / (1 << 24);
      values.push_back(name.starts_with("lin") ? u : (u - 0.5F) * 0.1F);
    }
    entries.push_back(absl::StrCat("\"", name, "\":{\"dtype\":\"F32\",\"shape\":[",
                                   absl::StrJoin(shape, ","), "],\"data_offsets\":[", begin * 4,
                                   ",", values.size() * 4, "]}"));
  }
  const std::string header = absl::StrCat("{", absl::StrJoin(entries, ","), "}");
  const uint64_t length = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8);
  file << header;
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * 4));
}

std::string Refusal(const std::string& lpips) {
  TempFolder data;
  std::string log;
  auto server =
      ServerProcess::Start(TWEEDIED, ServerArguments(data.path(), {"--lpips", lpips}), &log);
  EXPECT_EQ(server, nullptr) << "it started";
  return log;
}

TEST(LpipsTest, ServerRefusesToStartWithoutTheNetworkThatItIsToldToUse) {
  TempFolder folder;
  EXPECT_THAT(Refusal(folder.File("none")), HasSubstr(folder.File("none")));
  std::ofstream(folder.File("text")) << "not a network";
  EXPECT_THAT(Refusal(folder.File("text")), HasSubstr(folder.File("text")));
  WriteAlex(folder.File("nameless"), "");
  EXPECT_THAT(Refusal(folder.File("nameless")),
              AllOf(HasSubstr(folder.File("nameless")), HasSubstr("`net`")));
  WriteAlex(folder.File("other"), "\"net\":\"squeeze\"");
  EXPECT_THAT(Refusal(folder.File("other")),
              AllOf(HasSubstr(folder.File("other")), HasSubstr("features.")));
}

TEST(LpipsTest, DistancesAreReportedBesideAReference) {
  TempFolder folder;
  WriteAlex(folder.File("alex"), "\"net\":\"alex\"");
  RunningServer server({"--lpips", folder.File("alex")});
  v1::Job job;
  ASSERT_TRUE(server.client().Create(DenoiseRequest(2, 500, 1), &job).ok());
  ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
  ASSERT_THAT(job.metrics(), SizeIs(2)) << job.ShortDebugString();
  EXPECT_GT(job.metrics(0).lpips(), 0);
  EXPECT_TRUE(job.metrics(0).has_psnr());
  ASSERT_TRUE(server.client().Create(SampleRequest(1, 2, 1), &job).ok());
  ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
  EXPECT_THAT(job.metrics(), SizeIs(0));
}

TEST(LpipsTest, ServersWithoutANetworkReportNone) {
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(DenoiseRequest(1, 500, 1), &job).ok());
  ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
  ASSERT_THAT(job.metrics(), SizeIs(1));
  EXPECT_FALSE(job.metrics(0).has_lpips());
}

}  // namespace
}  // namespace tweedie
