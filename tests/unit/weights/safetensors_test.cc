#include "core/weights/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string File(const std::string& header, const std::string& data = "") {
  const uint64_t length = header.size();
  return absl::StrCat(std::string(reinterpret_cast<const char*>(&length), 8), header, data);
}

auto IsInvalid(const std::string& text) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
}

// The entry of a tensor of bytes [begin, end).
std::string Entry(const std::string& name, int begin, int end) {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"U8\",\"shape\":[", end - begin,
                      "],\"data_offsets\":[", begin, ",", end, "]}");
}

TensorFile Sample() {
  TensorFile file;
  file.tensors["a"] = at::arange(6, at::kFloat).view({2, 3});
  file.tensors["b"] = at::tensor({1, -2, 3}, at::kLong);
  file.metadata["kind"] = "sample \"quoted\"";
  return file;
}

TEST(SafetensorsTest, EveryTypeComesBackAsItWas) {
  TensorFile file;
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong,
                                    at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    file.tensors[at::toString(type)] = at::arange(6).view({3, 2}).remainder(2).to(type);
  }
  file.tensors["scalar"] = at::tensor(2.5f).view({});
  file.tensors["empty"] = at::empty({0, 3});
  file.tensors["not contiguous"] = at::arange(6).view({2, 3}).t();
  file.tensors["nan"] = at::full({1}, std::numeric_limits<float>::quiet_NaN());
  file.metadata = {{"key", "va\"lue"}, {"umlaut", "\xc3\xa4"}};
  ASSERT_OK_AND_ASSIGN(const TensorFile read, ParseSafetensors(SerializeSafetensors(file)));
  EXPECT_EQ(read.metadata, file.metadata);
  ASSERT_EQ(read.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    const at::Tensor& other = read.tensors.at(name);
    EXPECT_EQ(other.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(other.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(name == "nan" ? other.isnan().all().item<bool>() : at::equal(other, tensor))
        << name;
  }
}

TEST(SafetensorsTest, HeaderIsPaddedSoThatDataIsAligned) {
  const std::string bytes = SerializeSafetensors(Sample());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(bytes.size(), 8 + length + 6 * 4 + 3 * 8);
}

TEST(SafetensorsTest, FileWithoutTensorsIsRead) {
  ASSERT_OK_AND_ASSIGN(const TensorFile read, ParseSafetensors(File("{}   ")));
  EXPECT_TRUE(read.tensors.empty());
}

TEST(SafetensorsTest, TruncationAnywhereAndTrailingBytesAreErrors) {
  const std::string bytes = SerializeSafetensors(Sample());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(ParseSafetensors(absl::string_view(bytes).substr(0, length)), IsInvalid(""))
        << length;
  }
  EXPECT_THAT(ParseSafetensors(bytes + "x"), IsInvalid("after its header"));
}

TEST(SafetensorsTest, ChangingAnyByteOfTheHeaderNeverCrashes) {
  const std::string bytes = SerializeSafetensors(Sample());
  const size_t data = bytes.size() - 6 * 4 - 3 * 8;
  for (size_t i = 0; i < data; ++i) {
    for (const char c : {'\0', '"', '[', '{', '9', '-', '\xff'}) {
      std::string changed = bytes;
      changed[i] = c;
      const auto read = ParseSafetensors(changed);
      if (!read.ok()) {
        EXPECT_THAT(read, IsInvalid(""));
      }
    }
  }
}

TEST(SafetensorsTest, TensorsCoverTheDataOnceAndInFull) {
  const std::string data = "12345678";
  const auto parse = [&](const std::string& a, const std::string& b) {
    return ParseSafetensors(File(absl::StrCat("{", a, ",", b, "}"), data));
  };
  EXPECT_OK(parse(Entry("a", 4, 8), Entry("b", 0, 4)));
  EXPECT_THAT(parse(Entry("a", 0, 4), Entry("b", 2, 8)), IsInvalid("tensor 'b': data starts at 2"));
  EXPECT_THAT(parse(Entry("a", 0, 3), Entry("b", 4, 8)), IsInvalid("hole"));
  EXPECT_THAT(parse(Entry("a", 1, 4), Entry("b", 4, 8)), IsInvalid("data starts at 1 where 0"));
  EXPECT_THAT(parse(Entry("a", 0, 4), Entry("b", 4, 9)), IsInvalid("tensors take 9 bytes"));
  EXPECT_THAT(parse(Entry("a", 0, 4), Entry("b", 0, 4)), IsInvalid("overlap"));
}

TEST(SafetensorsTest, NothingMayStandTwice) {
  const std::string entry = Entry("a", 0, 1);
  EXPECT_THAT(ParseSafetensors(File(absl::StrCat("{", entry, ",", entry, "}"), "x")),
              IsInvalid("name twice, at 'a'"));
  EXPECT_THAT(ParseSafetensors(File(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],)"
                                    R"("data_offsets":[0,1]}})",
                                    "x")),
              IsInvalid("dtype twice"));
  EXPECT_THAT(ParseSafetensors(File(R"({"__metadata__":{"k":"1","k":"2"}})")),
              IsInvalid("metadata key twice"));
  EXPECT_THAT(ParseSafetensors(File(R"({"__metadata__":{},"__metadata__":{}})")),
              IsInvalid("key twice"));
}

struct BadHeader {
  const char* header;
  const char* message;
};

class SafetensorsHeaderTest : public testing::TestWithParam<BadHeader> {};

TEST_P(SafetensorsHeaderTest, WrongStructureIsRefused) {
  EXPECT_THAT(ParseSafetensors(File(GetParam().header, "x")), IsInvalid(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Headers, SafetensorsHeaderTest,
    testing::Values(
        BadHeader{"", "does not start with '{'"}, BadHeader{" {}", "does not start with '{'"},
        BadHeader{"{", "no JSON"}, BadHeader{"{} {}", "no JSON"},
        BadHeader{"{\"a\xff\":{}}", "no JSON"}, BadHeader{"{\"a\":1}", "a number"},
        BadHeader{"{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}", "unknown key 'b'"},
        BadHeader{R"({"a":{"dtype":{}}})", "an object where none belongs"},
        BadHeader{R"({"a":{"shape":[[1]]}})", "an array where none belongs"},
        BadHeader{R"({"a":[]})", "an array where none belongs"},
        BadHeader{R"({"a":"text"})", "a string where none belongs"},
        BadHeader{R"({"a":null})", "null"}, BadHeader{R"({"a":{"shape":[true]}})", "a boolean"},
        BadHeader{R"({"__metadata__":{"k":1}})", "a number"},
        BadHeader{R"({"__metadata__":{"k":{}}})", "an object where none belongs"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1]}})", "data_offsets is missing"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "not a pair"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", "not a pair"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "-1 where only"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", "whole numbers"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
                  "more than 8 dimensions"},
        BadHeader{R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})",
                  "dtype 'F8_E4M3' is not supported"},
        BadHeader{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1]}})", "for 4 bytes"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", "for 1 bytes"},
        BadHeader{R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "a BOOL"},
        BadHeader{R"({"a":{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,0]}})",
                  "is too large"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})",
                  "is too large"},
        BadHeader{R"({"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})",
                  "is too large"}));

TEST(SafetensorsTest, HeaderLengthIsCheckedBeforeAnythingIsRead) {
  std::string bytes = File("{}");
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  std::memcpy(bytes.data(), &huge, 8);
  EXPECT_THAT(ParseSafetensors(bytes), IsInvalid("header of 18446744073709551615 bytes"));
  EXPECT_THAT(ParseSafetensors(File(std::string((16 << 20) + 1, ' '))),
              IsInvalid("16777216 are allowed"));
}

TEST(SafetensorsTest, DeepNestingIsRefusedAtOnce) {
  EXPECT_THAT(ParseSafetensors(File("{\"a\":" + std::string(1 << 20, '['))), IsInvalid("an array"));
}

}  // namespace
}  // namespace tweedie
