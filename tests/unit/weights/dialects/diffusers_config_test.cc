#include "core/weights/dialects/diffusers_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

auto IsInvalid(const std::string& text) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
}

TEST(UnetConfigTest, AbsentKeysHaveDiffusersDefaults) {
  ASSERT_OK_AND_ASSIGN(const nn::UnetConfig config, ParseUnetConfig("{}"));
  EXPECT_THAT(config.block_out_channels, ElementsAre(224, 448, 672, 896));
  EXPECT_EQ(config.attention_head_dim, 8);
  EXPECT_EQ(config.freq_shift, 0);
  EXPECT_EQ(config.downsample_padding, 1);
  EXPECT_TRUE(config.flip_sin_to_cos);
  EXPECT_TRUE(config.has_mid_block);
  EXPECT_EQ(config.class_embed_type, nn::ClassEmbedding::kNone);
}

TEST(UnetConfigTest, NullHeadDimIsOneHeadAndAnAbsentOneIsEight) {
  ASSERT_OK_AND_ASSIGN(nn::UnetConfig config, ParseUnetConfig(R"({"attention_head_dim":null})"));
  EXPECT_EQ(config.attention_head_dim, std::nullopt);
  ASSERT_OK_AND_ASSIGN(config, ParseUnetConfig(R"({"attention_head_dim":16})"));
  EXPECT_EQ(config.attention_head_dim, 16);
}

TEST(UnetConfigTest, ZerosAreValuesAndNotAbsence) {
  ASSERT_OK_AND_ASSIGN(const nn::UnetConfig config,
                       ParseUnetConfig(R"({"downsample_padding":0,"freq_shift":1,"norm_eps":0})"));
  EXPECT_EQ(config.downsample_padding, 0);
  EXPECT_EQ(config.freq_shift, 1);
  EXPECT_EQ(config.norm_eps, 0);
}

TEST(UnetConfigTest, OldBlockNamesAndBothFormsOfTheSizeAreUnderstood) {
  ASSERT_OK_AND_ASSIGN(
      nn::UnetConfig config,
      ParseUnetConfig(R"({"down_block_types":["UNetResDownBlock2D","UNetResAttnDownBlock2D"],
        "up_block_types":["AttnUpBlock2D","ResnetUpsampleBlock2D"],"block_out_channels":[32,64],
        "sample_size":[8,12],"_anything":[1,{}]})"));
  EXPECT_THAT(config.down_block_types,
              ElementsAre(nn::BlockType::kPlain, nn::BlockType::kAttention));
  EXPECT_THAT(config.up_block_types,
              ElementsAre(nn::BlockType::kAttention, nn::BlockType::kResnet));
  EXPECT_THAT(config.sample_size, ElementsAre(8, 12));
  ASSERT_OK_AND_ASSIGN(config, ParseUnetConfig(R"({"sample_size":16})"));
  EXPECT_THAT(config.sample_size, ElementsAre(16, 16));
}

TEST(UnetConfigTest, NumberOfClassesAloneMeansATable) {
  ASSERT_OK_AND_ASSIGN(nn::UnetConfig config, ParseUnetConfig(R"({"num_class_embeds":10})"));
  EXPECT_EQ(config.class_embed_type, nn::ClassEmbedding::kTable);
  ASSERT_OK_AND_ASSIGN(config, ParseUnetConfig(R"({"class_embed_type":"timestep"})"));
  EXPECT_EQ(config.class_embed_type, nn::ClassEmbedding::kTimestep);
}

struct BadConfig {
  const char* json;
  const char* message;
};

class BadUnetConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadUnetConfigTest, ErrorNamesKeyAndValue) {
  EXPECT_THAT(ParseUnetConfig(GetParam().json), IsInvalid(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Configs, BadUnetConfigTest,
    testing::Values(
        BadConfig{"", "not valid JSON"}, BadConfig{"[]", "not a JSON object"},
        BadConfig{"{}x", "not valid JSON"},
        BadConfig{R"({"freq_shift":0,"freq_shift":1})", "key 'freq_shift' twice"},
        BadConfig{R"({"_a":[[[[[[[[[[]]]]]]]]]]})", "deeper than 8 levels"},
        BadConfig{R"({"num_heads":4,"a\nb":1})", "unknown keys: a\\nb, num_heads"},
        BadConfig{R"({"_class_name":"UNet2DConditionModel"})",
                  "_class_name must be UNet2DModel; was UNet2DConditionModel"},
        BadConfig{R"({"act_fn":"tanh"})",
                  "act_fn must be one of silu, swish, mish, gelu, relu; was \"tanh\""},
        BadConfig{R"({"act_fn":3})", "act_fn must be a string; was 3"},
        BadConfig{R"({"in_channels":"3"})",
                  "in_channels must be a whole number of [1, 65536]; was \"3\""},
        BadConfig{R"({"in_channels":3.0})", "was 3.0"},
        BadConfig{R"({"in_channels":18446744073709551615})", "was 18446744073709551615"},
        BadConfig{R"({"in_channels":true})", "was true"},
        BadConfig{R"({"in_channels":null})", "was null"},
        BadConfig{R"({"center_input_sample":1})",
                  "center_input_sample must be true or false; was 1"},
        BadConfig{R"({"norm_eps":NaN})", "norm_eps must be a number of [0, 1]; was null"},
        BadConfig{R"({"norm_num_groups":null})", "norm_num_groups"},
        BadConfig{R"({"norm_num_groups":5})", "5 does not divide 224"},
        BadConfig{R"({"attn_norm_num_groups":5})", "attn_norm_num_groups must divide"},
        BadConfig{R"({"attention_head_dim":449})", "at most the 448 channels"},
        BadConfig{R"({"attention_head_dim":0})", "was 0"},
        BadConfig{R"({"downsample_padding":2})",
                  "downsample_padding must be a whole number of [0, 1]; was 2"},
        BadConfig{R"({"downsample_type":"fir"})", "must be one of conv, resnet; was \"fir\""},
        BadConfig{R"({"mid_block_type":"UNetMidBlock2DCrossAttn"})",
                  "mid_block_type must be one of UNetMidBlock2D; was"},
        BadConfig{R"({"resnet_time_scale_shift":"spatial"})", "was \"spatial\""},
        BadConfig{R"({"time_embedding_type":"learned"})", "num_train_timesteps must be given"},
        BadConfig{R"({"time_embedding_type":"other"})",
                  "must be one of positional, fourier, learned; was \"other\""},
        BadConfig{R"({"freq_shift":112})", "freq_shift must be below half"},
        BadConfig{R"({"class_embed_type":"projection"})", "was \"projection\""},
        BadConfig{R"({"down_block_types":["DownBlock2D"]})", "have 1, 4 and 4"},
        BadConfig{R"({"down_block_types":"DownBlock2D"})", "down_block_types must be a list"},
        BadConfig{R"({"down_block_types":["CrossAttnDownBlock2D"]})",
                  "was \"CrossAttnDownBlock2D\""},
        BadConfig{R"({"down_block_types":["AttnSkipDownBlock2D"]})",
                  "AttnSkipDownBlock2D, a score-SDE block"},
        BadConfig{R"({"up_block_types":["DownBlock2D"]})", "was \"DownBlock2D\""},
        BadConfig{R"({"block_out_channels":[]})", "block_out_channels must not be empty"},
        BadConfig{R"({"block_out_channels":[32,-1]})", "was [32,-1]"},
        BadConfig{R"({"sample_size":12})", "sample_size must be a multiple of 8 for 4 levels"},
        BadConfig{R"({"sample_size":[8,8,8]})", "sample_size"},
        BadConfig{R"({"sample_size":"8"})", "was \"8\""}));

TEST(SchedulerConfigTest, AbsentKeysHaveDiffusersDefaults) {
  ASSERT_OK_AND_ASSIGN(const SchedulerConfig config, ParseSchedulerConfig("{}"));
  EXPECT_EQ(config.num_train_timesteps, 1000);
  EXPECT_EQ(config.beta_schedule, BetaSchedule::kLinear);
  EXPECT_EQ(config.variance, Variance::kFixedSmall);
  EXPECT_EQ(config.spacing, Spacing::kLeading);
  EXPECT_TRUE(config.clip_sample);
  EXPECT_TRUE(config.trained_betas.empty());
}

TEST(SchedulerConfigTest, EveryKeyIsRead) {
  ASSERT_OK_AND_ASSIGN(const SchedulerConfig config, ParseSchedulerConfig(R"({
      "_class_name":"DDPMScheduler", "num_train_timesteps":2, "beta_start":0.5, "beta_end":0.25,
      "beta_schedule":"squaredcos_cap_v2", "trained_betas":[0.125, 1], "variance_type":"fixed_large",
      "prediction_type":"v_prediction", "timestep_spacing":"trailing", "steps_offset":1,
      "clip_sample":false, "clip_sample_range":2, "thresholding":true,
      "dynamic_thresholding_ratio":0.75, "sample_max_value":1.5, "rescale_betas_zero_snr":true,
      "some_key":"of another release"})"));
  EXPECT_EQ(config.num_train_timesteps, 2);
  EXPECT_EQ(config.beta_start, 0.5);
  EXPECT_EQ(config.beta_end, 0.25);
  EXPECT_EQ(config.beta_schedule, BetaSchedule::kCosine);
  EXPECT_THAT(config.trained_betas, ElementsAre(0.125, 1));
  EXPECT_EQ(config.variance, Variance::kFixedLarge);
  EXPECT_EQ(config.prediction, Prediction::kV);
  EXPECT_EQ(config.spacing, Spacing::kTrailing);
  EXPECT_EQ(config.steps_offset, 1);
  EXPECT_FALSE(config.clip_sample);
  EXPECT_EQ(config.clip_sample_range, 2);
  EXPECT_TRUE(config.thresholding);
  EXPECT_EQ(config.dynamic_thresholding_ratio, 0.75);
  EXPECT_EQ(config.sample_max_value, 1.5);
  EXPECT_TRUE(config.rescale_betas_zero_snr);
}

// As diffusers 0.42.1 writes it, with Python's infinity.
TEST(SchedulerConfigTest, FileOfDpmSolverIsReadForItsCommonKeys) {
  ASSERT_OK_AND_ASSIGN(
      SchedulerConfig config,
      ParseSchedulerConfig(R"({"_class_name":"DPMSolverMultistepScheduler","beta_end":0.01,
        "lambda_min_clipped":-Infinity,"variance_type":null,"trained_betas":null})"));
  EXPECT_EQ(config.beta_end, 0.01);
  EXPECT_EQ(config.variance, Variance::kFixedSmall);
  EXPECT_EQ(config.spacing, Spacing::kLinspace);
  ASSERT_OK_AND_ASSIGN(config, ParseSchedulerConfig(R"({"_class_name":"PNDMScheduler"})"));
  EXPECT_EQ(config.spacing, Spacing::kLeading);
}

class BadSchedulerConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadSchedulerConfigTest, ErrorNamesKeyAndValue) {
  EXPECT_THAT(ParseSchedulerConfig(GetParam().json), IsInvalid(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Configs, BadSchedulerConfigTest,
    testing::Values(
        BadConfig{R"({"_class_name":"EulerDiscreteScheduler"})", "was \"EulerDiscreteScheduler\""},
        BadConfig{R"({"variance_type":"fixed_large_log"})",
                  "variance_type fixed_large_log is not supported"},
        BadConfig{R"({"variance_type":"learned"})", "variance_type learned is not supported"},
        BadConfig{R"({"variance_type":"huge"})",
                  "variance_type must be one of fixed_small, fixed_small_log, fixed_large, "
                  "learned_range; was \"huge\""},
        BadConfig{R"({"variance_type":null})", "variance_type must be a string; was null"},
        BadConfig{R"({"prediction_type":"flow_prediction"})", "was \"flow_prediction\""},
        BadConfig{R"({"predict_epsilon":false})", "predict_epsilon"},
        BadConfig{R"({"beta_schedule":"exp"})", "beta_schedule must be one of"},
        BadConfig{R"({"beta_start":"x"})", "beta_start must be a number of [0, 1]; was \"x\""},
        BadConfig{R"({"num_train_timesteps":0})", "num_train_timesteps"},
        BadConfig{R"({"trained_betas":[0.1]})",
                  "must have num_train_timesteps, 1000, values; has 1"},
        BadConfig{R"({"trained_betas":[0.1,"x"]})", "trained_betas must be a list"},
        BadConfig{R"({"timestep_spacing":"log"})", "was \"log\""},
        BadConfig{R"({"steps_offset":1000})",
                  "steps_offset must be a whole number of [0, 999]; was 1000"},
        BadConfig{R"({"steps_offset":-1})", "was -1"},
        BadConfig{R"({"clip_sample":null})", "clip_sample must be true or false; was null"},
        BadConfig{R"({"clip_sample_range":0})", "was 0"},
        BadConfig{R"({"dynamic_thresholding_ratio":1.5})", "was 1.5"}));

}  // namespace
}  // namespace tweedie
