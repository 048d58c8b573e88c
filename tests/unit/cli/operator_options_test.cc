#include "client/cli/operator_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "client/cli/local_file.h"
#include "client/cli/npy.h"
#include "imaging/image.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

OperatorOptions Parse(const std::string& command_line) {
  OperatorOptions options;
  CLI::App app;
  AddOperatorOptions(&app, &options);
  app.parse(command_line);
  return options;
}

// The operator as its text; the error's message if it is refused.
std::string TextOf(const std::string& command_line) {
  const absl::StatusOr<v1::Operator> op = MakeOperator(Parse(command_line));
  return op.ok() ? op->ShortDebugString() : std::string(op.status().message());
}

v1::Tensor MaskOf(const v1::Operator& op) { return op.inpainting().mask(); }

TEST(OperatorOptionsTest, EachOptionMakesItsOperator) {
  EXPECT_EQ(TextOf("--identity"), "identity { }");
  EXPECT_EQ(TextOf("--grayscale"), "grayscale { }");
  EXPECT_EQ(TextOf("--inpaint-box 8,9,16,17"),
            "inpainting { box { top: 8 left: 9 height: 16 width: 17 } }");
  EXPECT_EQ(TextOf("--inpaint-random 0.7"), "inpainting { random_fraction: 0.7 }");
  EXPECT_EQ(TextOf("--sr 4"), "super_resolution { factor: 4 }");
  EXPECT_EQ(TextOf("--sr 4 --sr-kernel average"), "super_resolution { factor: 4 kernel: AVERAGE }");
  EXPECT_EQ(TextOf("--subsample 2"), "subsampling { stride: 2 }");
  EXPECT_EQ(TextOf("--mri 4x"), "mri { random_columns { acceleration: 4 } }");
  EXPECT_EQ(TextOf("--mri 2.5x:0.1"),
            "mri { random_columns { acceleration: 2.5 center_fraction: 0.1 } }");
  EXPECT_EQ(TextOf("--ct 30"), "tomography { num_angles: 30 }");
  EXPECT_EQ(TextOf("--ct 30:45"), "tomography { num_angles: 30 num_detectors: 45 }");
  EXPECT_EQ(TextOf("--phase-retrieval"), "phase_retrieval { }");
  EXPECT_EQ(TextOf("--phase-retrieval 0.5"), "phase_retrieval { padding: 0.5 }");
}

TEST(OperatorOptionsTest, BlurHasItsKernels) {
  EXPECT_EQ(TextOf("--blur gaussian:9:1.5"), "blur { gaussian { size: 9 sigma: 1.5 } }");
  EXPECT_EQ(TextOf("--blur motion:9"), "blur { motion { size: 9 } }");
  EXPECT_EQ(TextOf("--blur motion:9:0"), "blur { motion { size: 9 intensity: 0 } }");
  EXPECT_EQ(TextOf("--blur random:9"), "blur { random_size: 9 }");
  EXPECT_EQ(TextOf("--blur random:9 --boundary circular"),
            "blur { random_size: 9 boundary: CIRCULAR }");
  EXPECT_EQ(TextOf("--blur random:9 --boundary zero"), "blur { random_size: 9 boundary: ZERO }");
}

TEST(OperatorOptionsTest, ExactlyOneOperatorIsAllowed) {
  EXPECT_THAT(TextOf(""), HasSubstr("an operator is required"));
  EXPECT_THAT(TextOf("--sr 4 --blur random:9"),
              AllOf(HasSubstr("exactly one"), HasSubstr("--sr and --blur")));
  EXPECT_TRUE(HasOperator(Parse("--sr 4")));
  EXPECT_FALSE(HasOperator(Parse("--noise 0.1")));
}

TEST(OperatorOptionsTest, OptionsOfOtherOperatorsAreRefused) {
  EXPECT_THAT(TextOf("--identity --sr-kernel average"), HasSubstr("--sr-kernel"));
  EXPECT_THAT(TextOf("--sr 4 --boundary zero"), HasSubstr("--boundary"));
}

TEST(OperatorOptionsTest, MalformedValuesAreNamed) {
  for (const char* value : {"8,8,16", "8,8,16,16,1", "8,8,x,16", "8,,8,16,16", "1e3,8,8,8"}) {
    EXPECT_THAT(TextOf(std::string("--inpaint-box ") + value),
                AllOf(HasSubstr("--inpaint-box must be TOP,LEFT,HEIGHT,WIDTH"), HasSubstr(value)));
  }
  for (const char* value : {"gaussian:9", "gaussian:9:x", "motion", "motion:9:1:2", "random",
                            "random:9:9", "box:3", "gaussian:9.5:1"}) {
    EXPECT_THAT(TextOf(std::string("--blur ") + value),
                AllOf(HasSubstr("--blur must be"), HasSubstr(value)));
  }
  for (const char* value : {"4", "x", "4x:", "4x:y", "4x0.1"}) {
    EXPECT_THAT(TextOf(std::string("--mri ") + value), HasSubstr("--mri must be as 4x"));
  }
  EXPECT_THAT(TextOf("--ct many"), HasSubstr("--ct must be ANGLES[:DETECTORS]; was many"));
  EXPECT_THAT(TextOf("--ct 1:2:3"), HasSubstr("--ct must be"));
  EXPECT_THAT(TextOf("--phase-retrieval wide"), HasSubstr("--phase-retrieval must be a number"));
}

TEST(NoiseOptionsTest, NoiseIsLeftOutUnlessGiven) {
  EXPECT_FALSE(MakeNoise(Parse("--identity")).has_value());
  EXPECT_EQ(MakeNoise(Parse("--noise 0.05"))->gaussian_sigma(), 0.05);
  EXPECT_TRUE(MakeNoise(Parse("--noise 0")).has_value());
  EXPECT_EQ(MakeNoise(Parse("--poisson 30"))->poisson().rate(), 30);
  EXPECT_THAT(TextOf("--identity --noise 0 --poisson 30"), HasSubstr("exclude each other"));
}

class OperatorFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    EXPECT_OK(WriteLocalFile(folder_.File(name), bytes));
    return folder_.File(name);
  }

  const TempFolder folder_;
};

TEST_F(OperatorFilesTest, WhiteIsKeptAndBlackIsMissing) {
  const std::string path = Write("mask.png", EncodePng(Image{2, 1, 1, 255, {0, 255}}));
  ASSERT_OK_AND_ASSIGN(const v1::Operator op, MakeOperator(Parse("--inpaint-mask " + path)));
  ASSERT_OK_AND_ASSIGN(const Array mask, ToArray(MaskOf(op)));
  EXPECT_THAT(mask.shape, ElementsAre(1, 1, 2));
  EXPECT_THAT(mask.values, ElementsAre(0, 1));
}

TEST_F(OperatorFilesTest, ColouredMasksHaveThreeChannelsOnlyWhereTheyDiffer) {
  const std::string grey = Write("a.png", EncodePng(Image{1, 1, 3, 255, {255, 255, 255}}));
  const std::string red = Write("b.png", EncodePng(Image{1, 1, 3, 255, {255, 0, 0}}));
  EXPECT_THAT(ToArray(MaskOf(*MakeOperator(Parse("--inpaint-mask " + grey))))->values,
              ElementsAre(1));
  EXPECT_THAT(ToArray(MaskOf(*MakeOperator(Parse("--inpaint-mask " + red))))->values,
              ElementsAre(1, 0, 0));
}

TEST_F(OperatorFilesTest, GreyInAMaskIsRefused) {
  const std::string path = Write("mask.png", EncodePng(Image{2, 1, 1, 255, {0, 17}}));
  const auto op = MakeOperator(Parse("--inpaint-mask " + path));
  EXPECT_TRUE(IsLocalFileError(op.status()));
  EXPECT_THAT(op.status().message(), AllOf(HasSubstr(path), HasSubstr("17 of 255")));
}

TEST_F(OperatorFilesTest, ArraysServeAsMasks) {
  const std::string path = Write("mask.npy", EncodeNpy({{1, 2}, {1, 0}}));
  const std::string wrong = Write("wrong.npy", EncodeNpy({{1, 2}, {1, 0.5}}));
  EXPECT_THAT(ToArray(MaskOf(*MakeOperator(Parse("--inpaint-mask " + path))))->shape,
              ElementsAre(1, 2));
  EXPECT_THAT(ToArray(MakeOperator(Parse("--mri " + path))->mri().mask())->values,
              ElementsAre(1, 0));
  EXPECT_THAT(TextOf("--inpaint-mask " + wrong), HasSubstr("0 and 1; has a 0.5"));
}

TEST_F(OperatorFilesTest, KernelsAreArraysOrRowsOfNumbers) {
  const std::string npy = Write("kernel.npy", EncodeNpy({{1, 2}, {0.25, 0.75}}));
  const std::string json = Write("kernel.json", "[[0, 1.5], [2, -3]]");
  EXPECT_THAT(ToArray(MakeOperator(Parse("--blur " + npy))->blur().custom())->values,
              ElementsAre(0.25, 0.75));
  ASSERT_OK_AND_ASSIGN(const Array kernel,
                       ToArray(MakeOperator(Parse("--blur " + json))->blur().custom()));
  EXPECT_THAT(kernel.shape, ElementsAre(2, 2));
  EXPECT_THAT(kernel.values, ElementsAre(0, 1.5, 2, -3));
}

TEST_F(OperatorFilesTest, MalformedKernelsAreRefused) {
  for (const char* text : {"", "3", "[]", "[1, 2]", "[[1], [1, 2]]", "[[1, \"2\"]]", "[[]]"}) {
    const std::string path = Write("kernel.json", text);
    EXPECT_THAT(TextOf("--blur " + path), HasSubstr(path + ": ")) << text;
  }
}

TEST_F(OperatorFilesTest, JsonCanSayAllThatTheProtoHas) {
  const std::string path =
      Write("op.json", R"({"super_resolution": {"factor": 2, "kernel": "AVERAGE"}})");
  EXPECT_EQ(TextOf("--operator " + path), "super_resolution { factor: 2 kernel: AVERAGE }");
  const std::string wrong = Write("wrong.json", R"({"colour": {}})");
  EXPECT_THAT(TextOf("--operator " + wrong), AllOf(HasSubstr(wrong), HasSubstr("colour")));
}

}  // namespace
}  // namespace tweedie::cli
