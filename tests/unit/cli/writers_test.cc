#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "client/cli/frame_writer.h"
#include "client/cli/local_file.h"
#include "client/cli/result_writer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

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
