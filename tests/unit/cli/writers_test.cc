#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "client/cli/frame_writer.h"
#include "client/cli/local_file.h"
#include "client/cli/npy.h"
#include "client/cli/result_writer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

std::string Png(uint16_t value) { return EncodePng(Image{1, 1, 1, 255, {value}}); }

v1::Frame FrameAt(int step, uint16_t value) {
  v1::Frame frame;
  frame.set_step(step);
  frame.mutable_images()->mutable_encoded()->add_files(Png(value));
  return frame;
}

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

TEST(ResultWriterTest, FolderGetsEachImageAsItCameAndASheet) {
  const TempFolder folder;
  ResultWriter writer(folder.File("out"));
  ASSERT_OK(writer.Add(Png(1)));
  ASSERT_OK(writer.Add(Png(2)));
  ASSERT_OK_AND_ASSIGN(const std::string written, writer.Finish());
  EXPECT_THAT(written, HasSubstr("2 images"));
  EXPECT_EQ(*ReadLocalFile(folder.File("out/0000.png")), Png(1));
  EXPECT_EQ(*ReadLocalFile(folder.File("out/0001.png")), Png(2));
  EXPECT_TRUE(Exists(folder.File("out/contact_sheet.png")));
}

TEST(ResultWriterTest, PngPathGetsTheOnlyImageItself) {
  const TempFolder folder;
  ResultWriter writer(folder.File("one.png"));
  ASSERT_OK(writer.Add(Png(1)));
  ASSERT_OK(writer.Finish());
  EXPECT_EQ(*ReadLocalFile(folder.File("one.png")), Png(1));
}

TEST(ResultWriterTest, PngPathGetsTheSheetOfSeveral) {
  const TempFolder folder;
  ResultWriter writer(folder.File("two.PNG"));
  ASSERT_OK(writer.Add(Png(1)));
  ASSERT_OK(writer.Add(Png(2)));
  ASSERT_OK(writer.Finish());
  ASSERT_OK_AND_ASSIGN(const Image sheet, DecodeImage(*ReadLocalFile(folder.File("two.PNG"))));
  EXPECT_GT(sheet.width, 2);
}

TEST(ResultWriterTest, WhatIsNoImageIsRefusedBeforeItIsWritten) {
  const TempFolder folder;
  ResultWriter writer(folder.File("out"));
  EXPECT_THAT(writer.Add("text"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("PNG")));
  EXPECT_FALSE(Exists(folder.File("out")));
}

// The sheet's pictures, each shown by one of its pixels: 1 x 1 pixel is drawn as
// 128 x 128, with 2 of padding.
std::vector<int> SheetPixels(const std::string& path, int columns, int rows) {
  const Image sheet = DecodeImage(*ReadLocalFile(path)).value();
  EXPECT_EQ(sheet.width, columns * 130 + 2);
  EXPECT_EQ(sheet.height, rows * 130 + 2);
  std::vector<int> pixels;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      pixels.push_back(sheet.pixels[(row * 130 + 64) * sheet.width + column * 130 + 64]);
    }
  }
  return pixels;
}

Array Value(float v) { return Array{{1, 1, 1}, {v}}; }

TEST(ResultWriterTest, SheetShowsTruthMeasurementAndResultSideBySide) {
  const TempFolder folder;
  const auto dot = [](uint16_t v) { return Image{1, 1, 1, 255, {v}}; };
  ResultWriter writer(folder.path(), 1, {{dot(10), dot(11)}, {dot(20), dot(21)}});
  ASSERT_OK(writer.Add(Png(30)));
  ASSERT_OK(writer.Add(Png(31)));
  ASSERT_OK(writer.Finish());
  EXPECT_THAT(SheetPixels(folder.File("contact_sheet.png"), 3, 2),
              ElementsAre(10, 20, 30, 11, 21, 31));
}

TEST(ResultWriterTest, OneTruthServesAllInputs) {
  const TempFolder folder;
  ResultWriter writer(folder.path(), 1, {{Image{1, 1, 1, 255, {10}}}, {}});
  ASSERT_OK(writer.Add(Png(30)));
  ASSERT_OK(writer.Add(Png(31)));
  ASSERT_OK(writer.Finish());
  EXPECT_THAT(SheetPixels(folder.File("contact_sheet.png"), 2, 2), ElementsAre(10, 30, 10, 31));
}

TEST(ResultWriterTest, SamplesOfAnInputBringTheirMeanAndDeviation) {
  const TempFolder folder;
  ResultWriter writer(folder.path(), 2);
  for (const float v : {0.0f, 0.5f, -1.0f, -1.0f}) ASSERT_OK(writer.Add(Value(v)));
  EXPECT_THAT(*writer.Finish(), HasSubstr("4 images, their means and deviations"));
  ASSERT_OK_AND_ASSIGN(const Array mean, ReadNpyFile(folder.File("mean.npy")));
  EXPECT_THAT(mean.shape, ElementsAre(2, 1, 1, 1));
  EXPECT_THAT(mean.values, ElementsAre(0.25f, -1.0f));
  ASSERT_OK_AND_ASSIGN(const Array deviation, ReadNpyFile(folder.File("deviation.npy")));
  EXPECT_THAT(deviation.values, ElementsAre(FloatEq(0.35355339f), 0.0f));
  // Two results, their mean, their deviation; 0.35 of 0.5 is white's 180.
  EXPECT_THAT(SheetPixels(folder.File("contact_sheet.png"), 4, 2),
              ElementsAre(128, 191, 159, 180, 0, 0, 0, 0));
  EXPECT_TRUE(Exists(folder.File("mean_0001.png")));
  EXPECT_TRUE(Exists(folder.File("deviation_0001.png")));
  EXPECT_FALSE(Exists(folder.File("mean_0002.png")));
}

TEST(FrameWriterTest, WritesEachFrameAndAnAnimation) {
  const TempFolder folder;
  FrameWriter writer(folder.File("frames"));
  ASSERT_OK(writer.Add(FrameAt(5, 1)));
  ASSERT_OK(writer.Add(FrameAt(10, 2)));
  EXPECT_TRUE(Exists(folder.File("frames/step_0010.png")));
  EXPECT_THAT(*writer.Finish(), HasSubstr("2 frames"));
  EXPECT_THAT(*ReadLocalFile(folder.File("frames/animation.png")), HasSubstr("acTL"));
}

TEST(FrameWriterTest, StepThatComesAgainReplacesWhatCameFromItOn) {
  const TempFolder folder;
  FrameWriter writer(folder.path());
  for (const int step : {5, 10, 15, 10}) ASSERT_OK(writer.Add(FrameAt(step, 1)));
  EXPECT_THAT(*writer.Finish(), HasSubstr("2 frames"));
}

TEST(FrameWriterTest, WithoutFramesWritesNothing) {
  const TempFolder folder;
  FrameWriter writer(folder.File("frames"));
  EXPECT_EQ(*writer.Finish(), "no frames came");
  EXPECT_FALSE(Exists(folder.File("frames")));
}

}  // namespace
}  // namespace tweedie::cli
