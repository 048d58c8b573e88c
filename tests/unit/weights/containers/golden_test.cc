// Files of PyTorch 2.15 and of the library safetensors: tools/golden/containers.py.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/safetensors.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string Golden(const std::string& name) {
  return absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/containers/", name);
}
std::string Bytes(const std::string& name) { return *ReadFile(Golden(name), int64_t{1} << 20); }

// A file, what it holds, and how it holds that.
struct Case {
  std::string file;
  std::string expected;
  std::string container;
  std::string wrapper;
  std::string prefix;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.file; }

std::vector<Case> Cases() {
  std::vector<Case> cases = {
      {"plain.safetensors", "plain", "safetensors", "", ""},
      {"shards.safetensors.index.json", "plain", "safetensors shards", "", ""},
      {"shards.bin.index.json", "plain", "torch zip shards", "", ""}};
  for (const std::string form : {"zip", "legacy"}) {
    const auto add = [&](const std::string& name, const std::string& expected,
                         const std::string& wrapper = "", const std::string& prefix = "") {
      cases.push_back({absl::StrCat(form, "-", name, ".pt"), expected, absl::StrCat("torch ", form),
                       wrapper, prefix});
    };
    for (const char* name : {"dict", "ordered", "parameters", "protocol3", "protocol4"}) {
      add(name, "plain");
    }
    add("views", "views");
    add("net", "net");
    add("module", "net", "", "module.");
    add("trainer", "net", "ema");
    add("list", "net", "[0]", "module.");
    add("ema-pytorch", "diffusion", "ema", "ema_model.model.");
  }
  return cases;
}

class GoldenTest : public testing::TestWithParam<Case> {};

TEST_P(GoldenTest, TensorsAreThoseThatPyTorchSaved) {
  const Case& c = GetParam();
  ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(Golden(c.file)));
  ASSERT_OK_AND_ASSIGN(const TensorFile expected,
                       ParseSafetensors(Bytes(absl::StrCat(c.expected, ".safetensors"))));
  EXPECT_EQ(read.container, c.container);
  EXPECT_EQ(read.wrapper, c.wrapper);
  EXPECT_EQ(read.prefix, c.prefix);
  ASSERT_EQ(read.tensors.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    ASSERT_EQ(read.tensors.count(name), 1u) << name;
    const at::Tensor& other = read.tensors.at(name);
    EXPECT_EQ(other.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(other.is_contiguous() && !other.requires_grad()) << name;
    ASSERT_EQ(other.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::equal(other, tensor)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, testing::ValuesIn(Cases()));

TEST(GoldenFilesTest, DigestIsThatOfAllBytes) {
  for (const std::string file : {"plain.safetensors", "zip-trainer.pt", "legacy-trainer.pt"}) {
    ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(Golden(file)));
    EXPECT_EQ(read.sha256, Sha256Hex(Bytes(file))) << file;
  }
}

TEST(GoldenFilesTest, DigestOfShardsIsThatOfTheLinesOfSha256sum) {
  ASSERT_OK_AND_ASSIGN(const Checkpoint bin, ReadCheckpoint(Golden("shards.bin.index.json")));
  const std::string one = "shards-00001-of-00002.bin", two = "shards-00002-of-00002.bin";
  EXPECT_EQ(bin.sha256, Sha256Hex(absl::StrCat(Sha256Hex(Bytes(one)), "  ", one, "\n",
                                               Sha256Hex(Bytes(two)), "  ", two, "\n")));
}

TEST(GoldenFilesTest, WhatIsBesideTheWeightsIsTold) {
  for (const std::string file : {"zip-trainer.pt", "legacy-trainer.pt"}) {
    ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(Golden(file)));
    EXPECT_THAT(read.values, UnorderedElementsAre(Pair("step", "70000"), Pair("version", "1.2.3"),
                                                  Pair("lr", "0.001"), Pair("done", "true")));
    EXPECT_THAT(read.ignored, UnorderedElementsAre("history", "model", "optimizer"));
  }
  ASSERT_OK_AND_ASSIGN(const Checkpoint ema, ReadCheckpoint(Golden("zip-ema-pytorch.pt")));
  EXPECT_THAT(ema.ignored, AllOf(Contains("model"), Contains("initted"), Contains("step"),
                                 Contains("online_model.model.conv.weight")));
  EXPECT_THAT(ema.values, Contains(Pair("version", "2.0.0")));
  ASSERT_OK_AND_ASSIGN(const Checkpoint list, ReadCheckpoint(Golden("zip-list.pt")));
  EXPECT_THAT(list.ignored, ElementsAre("[1]"));
  EXPECT_THAT(list.values, UnorderedElementsAre(Pair("[2]", "3"), Pair("[3]", "70000")));
  ASSERT_OK_AND_ASSIGN(const Checkpoint plain, ReadCheckpoint(Golden("plain.safetensors")));
  EXPECT_THAT(plain.values, ElementsAre(Pair("format", "pt")));
  EXPECT_THAT(plain.ignored, IsEmpty());
}

TEST(GoldenFilesTest, SharedStoragesStayShared) {
  for (const std::string file : {"zip-views.pt", "legacy-views.pt"}) {
    ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(Golden(file)));
    const at::Tensor& whole = read.tensors.at("whole");
    EXPECT_EQ(read.tensors.at("tied").const_data_ptr(), whole.const_data_ptr());
    EXPECT_EQ(read.tensors.at("slice").const_data_ptr(), whole.slice(0, 3).const_data_ptr());
  }
}

TEST(GoldenFilesTest, HeadsOfLpipsAreRead) {
  ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(Golden("legacy-lpips-alex.pth")));
  EXPECT_EQ(read.container, "torch legacy");
  ASSERT_EQ(read.tensors.size(), 5u);
  EXPECT_EQ(read.tensors.at("lin2.model.1.weight").sizes(), at::IntArrayRef({1, 384, 1, 1}));
  EXPECT_EQ(read.prefix, "");
}

TEST(GoldenFilesTest, ProgramsAndObjectsAreRefusedByName) {
  const auto refusal = [](const std::string& file, const std::string& message) {
    EXPECT_THAT(ReadCheckpoint(Golden(file)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(file), HasSubstr(message), Not(HasSubstr("\n")))));
  };
  refusal("refused-module.pt", "pickle: refuses global '__main__ Net' at byte ");
  refusal("refused-module.pt", "save the state_dict() alone");
  refusal("refused-set.pt", "pickle: refuses global '__builtin__ set' at byte ");
  refusal("refused-torchscript.pt", "TorchScript program");
}

}  // namespace
}  // namespace tweedie
