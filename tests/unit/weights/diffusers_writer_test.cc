#include "core/weights/diffusers_writer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/nn/unet.h"
#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/dialects/diffusers_config_writer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Every fixture of tests/golden/network.
class DiffusersWriterTest : public testing::TestWithParam<std::string> {};

TEST_P(DiffusersWriterTest, WhatIsWrittenIsReadAsItWas) {
  const std::string fixture =
      absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/network/v1/", GetParam());
  const TempFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto model, LoadModel("m", fixture));
  ASSERT_OK(WriteDiffusersFolder(*model, folder.File("out")));
  ASSERT_OK_AND_ASSIGN(const auto again, LoadModel("m", folder.File("out")));
  const auto before = model->network->named_parameters();
  const auto after = again->network->named_parameters();
  ASSERT_EQ(before.size(), after.size());
  for (const auto& item : before) {
    EXPECT_TRUE(at::equal(item.value(), after[item.key()])) << item.key();
  }
  // Of the second, too: nothing was lost on the way.
  ASSERT_OK(WriteDiffusersFolder(*again, folder.File("again")));
  for (const char* file : {"config.json", "scheduler_config.json"}) {
    EXPECT_EQ(ReadFile(folder.File(absl::StrCat("out/", file)), 1 << 20).value(),
              ReadFile(folder.File(absl::StrCat("again/", file)), 1 << 20).value());
  }
}

std::vector<std::string> Fixtures() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(TWEEDIE_SOURCE_DIR "/tests/golden/network/v1")) {
    // `default` is of the model in models/.
    if (fs::exists(entry.path() / "config.json")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Models, DiffusersWriterTest, testing::ValuesIn(Fixtures()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(WriteUnetConfigTest, WhatDiffusersLacksIsRefused) {
  nn::UnetConfig config;
  config.timestep_scale = 0.25;
  EXPECT_THAT(WriteUnetConfig(config),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("timesteps")));
  config = {};
  config.num_heads = 4;
  EXPECT_THAT(WriteUnetConfig(config),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("several widths")));
}

// Heads by their number are a head's width where all attention is of one width.
TEST(WriteUnetConfigTest, HeadsByNumberBecomeTheirWidth) {
  nn::UnetConfig config;
  config.block_out_channels = {32, 64};
  config.down_block_types = {nn::BlockType::kPlain, nn::BlockType::kAttention};
  config.up_block_types = {nn::BlockType::kAttention, nn::BlockType::kPlain};
  config.num_heads = 4;
  ASSERT_OK_AND_ASSIGN(const std::string json, WriteUnetConfig(config));
  ASSERT_OK_AND_ASSIGN(const nn::UnetConfig read, ParseUnetConfig(json));
  EXPECT_EQ(read.attention_head_dim, 16);
}

}  // namespace
}  // namespace tweedie
