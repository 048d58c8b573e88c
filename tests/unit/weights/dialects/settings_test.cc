#include "core/weights/dialects/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/weights/dialects/yaml_json.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using testing::HasSubstr;

auto IsInvalid(const testing::Matcher<std::string>& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, message);
}

std::string Json(const std::string& yaml) {
  const auto json = JsonOfYaml(yaml);
  return json.ok() ? *json : json.status().ToString();
}

TEST(YamlJsonTest, ScalarsAreReadAsPyYamlReadsThem) {
  EXPECT_EQ(Json("a: True"), R"({"a":true})");
  EXPECT_EQ(Json("a: no"), R"({"a":false})");
  EXPECT_EQ(Json("a: 16"), R"({"a":16})");
  EXPECT_EQ(Json("a: -1"), R"({"a":-1})");
  EXPECT_EQ(Json("a: 0.0001"), R"({"a":0.0001})");
  EXPECT_EQ(Json("a: 1e-4"), R"({"a":0.0001})");
  EXPECT_EQ(Json("a: 32,16,8"), R"({"a":"32,16,8"})");
  EXPECT_EQ(Json("a: ''"), R"({"a":""})");
  EXPECT_EQ(Json("a: '16'"), R"({"a":"16"})");
  EXPECT_EQ(Json("a: \"true\""), R"({"a":"true"})");
  EXPECT_EQ(Json("a: ~"), R"({"a":null})");
  EXPECT_EQ(Json("a:"), R"({"a":null})");
  EXPECT_EQ(Json("a: 010"), R"({"a":"010"})");
  EXPECT_EQ(Json("a: models/ffhq_10m.pt  # where"), R"({"a":"models/ffhq_10m.pt"})");
}

TEST(YamlJsonTest, MapsAndListsNest) {
  EXPECT_EQ(Json("model:\n    ch_mult: [1, 2]\n    ch: 128\ndata:\n  - 1\n  - {a: b}\n"),
            R"({"data":[1,{"a":"b"}],"model":{"ch":128,"ch_mult":[1,2]}})");
  EXPECT_EQ(Json("attn_resolutions: [16, ]"), R"({"attn_resolutions":[16]})");
}

TEST(YamlJsonTest, WhatCouldGrowOrRunIsRefused) {
  EXPECT_THAT(JsonOfYaml("a: &x [1]\nb: 2"), IsInvalid(HasSubstr("line 1 has an anchor")));
  EXPECT_THAT(JsonOfYaml("a: &x [1]\nb: *x"), IsInvalid(HasSubstr("an anchor")));
  EXPECT_THAT(JsonOfYaml("b: *x"), IsInvalid(testing::_));
  EXPECT_THAT(JsonOfYaml("a: !!python/object/apply:os.system ['ls']"),
              IsInvalid(HasSubstr("a tag")));
  EXPECT_THAT(JsonOfYaml("a: !!python/tuple [1, 2]"), IsInvalid(HasSubstr("a tag")));
  EXPECT_THAT(JsonOfYaml("a: [[[[[[[[1]]]]]]]]"), IsInvalid(HasSubstr("one level too many")));
  EXPECT_THAT(JsonOfYaml(absl::StrCat("a: ", std::string(30'000, '['))), IsInvalid(testing::_));
  EXPECT_THAT(JsonOfYaml(absl::StrCat("a: ", std::string(30'000, '{'))), IsInvalid(testing::_));
  EXPECT_THAT(JsonOfYaml(std::string(30'000, '-')), IsInvalid(testing::_));
  EXPECT_THAT(JsonOfYaml(absl::StrCat("a: ", std::string(70'000, 'b'))),
              IsInvalid(HasSubstr("at most 65536")));
  std::string many = "a: [";
  for (int i = 0; i < 10'001; ++i) many += "1,";
  EXPECT_THAT(JsonOfYaml(many + "]"), IsInvalid(HasSubstr("one value too many")));
}

TEST(YamlJsonTest, BrokenDocumentsAreRefusedByLine) {
  EXPECT_THAT(JsonOfYaml("a: 1\nb: [1, 2\n"), IsInvalid(HasSubstr("not valid YAML: line")));
  EXPECT_THAT(JsonOfYaml("a: 1\na: 2"), IsInvalid(HasSubstr("line 2 has a key that was there")));
  EXPECT_THAT(JsonOfYaml("[1]: 2"), IsInvalid(HasSubstr("a key that is no scalar")));
  EXPECT_THAT(JsonOfYaml("a: 1\n---\nb: 2"), IsInvalid(HasSubstr("a second document")));
  EXPECT_THAT(JsonOfYaml("- 1"), IsInvalid(HasSubstr("no map")));
  EXPECT_THAT(JsonOfYaml(""), IsInvalid(HasSubstr("no map")));
  EXPECT_THAT(JsonOfYaml("a: \"\\xff\\q\""), IsInvalid(testing::_));
}

TEST(SettingsTest, SectionsAreOneSpaceOfNames) {
  ASSERT_OK_AND_ASSIGN(ModelSettings settings, ParseModelJson(R"({
    "dialect": "guided-diffusion", "weights": "a.safetensors",
    "network": {"image_size": 64, "learn_sigma": true}, "diffusion": {"learn_sigma": true}})"));
  EXPECT_EQ(settings.dialect, "guided-diffusion");
  EXPECT_EQ(settings.weights, "a.safetensors");
  EXPECT_TRUE(settings.values.Has("image_size"));
  EXPECT_TRUE(settings.values.Has("learn_sigma"));
}

TEST(SettingsTest, OneKeyHasOneValue) {
  EXPECT_THAT(
      ParseModelJson(R"({"network": {"learn_sigma": true}, "diffusion": {"learn_sigma": false}})")
          .status(),
      IsInvalid(HasSubstr("key learn_sigma has two values")));
  EXPECT_THAT(ParseYamlSettings({"image_size: 64", "image_size: 32"}).status(),
              IsInvalid(HasSubstr("image_size has two values")));
  EXPECT_OK(ParseYamlSettings({"image_size: 64", "image_size: 64\nsteps: 1000"}).status());
}

TEST(SettingsTest, UnknownSectionsAreRefusedAndTrainingIsIgnored) {
  EXPECT_THAT(ParseModelJson(R"({"netwrok": {}})").status(),
              IsInvalid(HasSubstr("unknown section netwrok")));
  ASSERT_OK_AND_ASSIGN(
      ModelSettings settings,
      ParseYamlSettings({"model: {ch: 128}\ntraining: {batch_size: 4}\noptim: {lr: 1.0}"}));
  EXPECT_TRUE(settings.values.Has("ch"));
  EXPECT_FALSE(settings.values.Has("batch_size"));
}

TEST(SettingsTest, NothingIsEmptySettings) {
  ASSERT_OK_AND_ASSIGN(const ModelSettings settings, ParseYamlSettings({}));
  EXPECT_EQ(settings.dialect, "");
  EXPECT_OK(settings.values.CheckAllRead());
}

}  // namespace
}  // namespace tweedie
