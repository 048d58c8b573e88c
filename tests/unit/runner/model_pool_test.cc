#include "server/runner/model_pool.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kWeights[] = "/diffusion_pytorch_model.safetensors";

class ModelPoolTest : public testing::Test {
 protected:
  void Add(const std::string& name, const std::string& fixture) {
    fs::remove_all(dir_.File(name));
    fs::copy(absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/network/v1/", fixture),
             dir_.File(name));
  }
  void AddDefault(const std::string& name) {
    fs::copy(TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32", dir_.File(name));
  }
  void Open() { pool_ = ModelPool::Open(dir_.path(), options_, &clock_).value(); }
  // Two looks: the first finds a change, the second that it is whole.
  void LookTwice() const {
    ASSERT_OK(pool_->Look());
    ASSERT_OK(pool_->Look());
  }
  // Float32, as the file has it.
  int64_t PlainBytes(const std::string& name) const {
    return pool_->models().Find(name)->model->num_parameters * 4;
  }
  // And as its plan packs it, for both passes: nine weights as 36 at most.
  int64_t Bytes(const std::string& name) const { return 9 * PlainBytes(name); }
  // Room for one of the two models, either of them.
  void OpenWithRoomForOne() {
    Add("a", "like-default");
    Add("b", "no-attention");
    Open();
    options_.max_bytes = std::max(Bytes("a"), Bytes("b"));
    Open();
  }
  static at::Tensor Predict(const ModelPool::Resident& resident) {
    const auto& shape = resident.model->diffusion->image_shape;
    const at::Tensor x = at::ones({1, shape[0], shape[1], shape[2]});
    return resident.denoiser->Predict({x, at::zeros({1}, at::kLong), {}});
  }

  const TempFolder dir_;
  FakeClock clock_;
  ModelPool::Options options_;
  std::unique_ptr<ModelPool> pool_;
};

TEST_F(ModelPoolTest, WhatIsIdleMakesRoomForWhatIsNeeded) {
  OpenWithRoomForOne();
  EXPECT_TRUE(pool_->IsResident("a"));
  EXPECT_FALSE(pool_->IsResident("b"));
  EXPECT_THAT(pool_->Available(), ElementsAre("a", "b"));
  ASSERT_OK(pool_->Acquire("b"));
  EXPECT_FALSE(pool_->IsResident("a"));
  EXPECT_TRUE(pool_->IsResident("b"));
  ASSERT_OK(pool_->Acquire("a"));
  EXPECT_TRUE(pool_->IsResident("a"));
}

TEST_F(ModelPoolTest, WhatAJobUsesStays) {
  OpenWithRoomForOne();
  ASSERT_OK_AND_ASSIGN(auto used, pool_->Acquire("a"));
  EXPECT_THAT(pool_->Acquire("b"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("in use")));
  EXPECT_THAT(pool_->Available(), ElementsAre("a"));
  EXPECT_TRUE(pool_->IsResident("a"));
  used.reset();
  EXPECT_THAT(pool_->Available(), ElementsAre("a", "b"));
  EXPECT_OK(pool_->Acquire("b"));
}

TEST_F(ModelPoolTest, WhatPlansPackCountsWhereThereAreAny) {
  Add("planned", "like-default");
  Add("by-modules", "class-timestep");  // Mish
  Open();
  const int64_t planned = Bytes("planned"), plain = PlainBytes("planned"),
                by_modules = PlainBytes("by-modules");
  const auto fits = [this](const std::string& name, int64_t bytes) {
    options_.max_bytes = bytes;
    Open();
    return pool_->models().Find(name)->error.ok();
  };
  EXPECT_TRUE(fits("planned", planned));
  EXPECT_FALSE(fits("planned", planned - 1));
  EXPECT_TRUE(fits("by-modules", by_modules));
  EXPECT_FALSE(fits("by-modules", by_modules - 1));
  options_.device.reproducibility = Reproducibility::kFast;
  EXPECT_TRUE(fits("planned", plain));
  EXPECT_FALSE(fits("planned", plain - 1));
}

TEST_F(ModelPoolTest, TheLongestIdleGoesFirst) {
  Add("a", "like-default");
  Add("b", "like-default");
  Add("c", "like-default");
  Open();
  options_.max_bytes = 2 * Bytes("a");
  Open();
  ASSERT_OK(pool_->Acquire("b"));
  clock_.Advance(absl::Seconds(1));
  ASSERT_OK(pool_->Acquire("a"));
  clock_.Advance(absl::Seconds(1));
  ASSERT_OK(pool_->Acquire("c"));
  EXPECT_TRUE(pool_->IsResident("a"));
  EXPECT_FALSE(pool_->IsResident("b"));
}

TEST_F(ModelPoolTest, WhatIsIdleForLongGoesAndIsReadAgain) {
  options_.idle = absl::Minutes(10);
  Add("a", "like-default");
  Open();
  {
    ASSERT_OK_AND_ASSIGN(const auto used, pool_->Acquire("a"));
    clock_.Advance(absl::Hours(1));
    ASSERT_OK(pool_->Look());
    EXPECT_TRUE(pool_->IsResident("a")) << "a job uses it";
  }
  clock_.Advance(absl::Minutes(9));
  ASSERT_OK(pool_->Look());
  EXPECT_TRUE(pool_->IsResident("a"));
  clock_.Advance(absl::Minutes(1));
  ASSERT_OK(pool_->Look());
  EXPECT_FALSE(pool_->IsResident("a"));
  EXPECT_THAT(pool_->Available(), ElementsAre("a"));
  EXPECT_OK(pool_->Acquire("a"));
}

TEST_F(ModelPoolTest, AJobKeepsTheWeightsThatItBeganWith) {
  Add("m", "like-default");
  Open();
  ASSERT_OK_AND_ASSIGN(auto old, pool_->Acquire("m"));
  const at::Tensor before = Predict(*old);
  Add("m", "no-attention");
  LookTwice();
  ASSERT_OK_AND_ASSIGN(const auto renewed, pool_->Acquire("m"));
  EXPECT_NE(renewed->model->weights_sha256, old->model->weights_sha256);
  EXPECT_EQ(renewed->model->weights_sha256, pool_->models().Find("m")->model->weights_sha256);
  EXPECT_TRUE(at::equal(Predict(*old), before));
  EXPECT_FALSE(at::equal(Predict(*renewed), before));
}

// Bytes of weights that jobs still use count until these have ended.
TEST_F(ModelPoolTest, WhatWasReplacedTakesRoomWhileItIsUsed) {
  Add("a", "like-default");
  Add("b", "like-default");
  Open();
  options_.max_bytes = 2 * Bytes("a");
  Open();
  ASSERT_OK_AND_ASSIGN(auto old, pool_->Acquire("a"));
  fs::last_write_time(dir_.File(std::string("a") + kWeights), fs::file_time_type::clock::now());
  LookTwice();
  EXPECT_THAT(pool_->Acquire("a").value(), testing::Ne(old));
  ASSERT_OK_AND_ASSIGN(const auto renewed, pool_->Acquire("a"));
  EXPECT_THAT(pool_->Acquire("b"), testing::Not(IsOk()));
  old.reset();
  EXPECT_OK(pool_->Acquire("b"));
}

TEST_F(ModelPoolTest, ABrokenChangeLeavesTheModelInService) {
  Add("m", "like-default");
  Open();
  std::ofstream(dir_.File(std::string("m") + kWeights)) << "not safetensors";
  LookTwice();
  EXPECT_THAT(pool_->models().Find("m")->error, testing::Not(IsOk()));
  EXPECT_THAT(pool_->Available(), ElementsAre("m"));
  EXPECT_OK(pool_->Acquire("m"));
}

// Its weights cannot be read again.
TEST_F(ModelPoolTest, ABrokenModelThatWentIsNotAvailable) {
  options_.idle = absl::ZeroDuration();
  Add("m", "like-default");
  Open();
  std::ofstream(dir_.File(std::string("m") + kWeights)) << "not safetensors";
  LookTwice();
  EXPECT_FALSE(pool_->IsResident("m"));
  EXPECT_THAT(pool_->Available(), IsEmpty());
  EXPECT_THAT(pool_->Acquire("m"), testing::Not(IsOk()));
}

TEST_F(ModelPoolTest, AModelThatNeverFitsIsRefused) {
  options_.max_bytes = 1000;
  Add("m", "like-default");
  Open();
  EXPECT_THAT(pool_->models().Find("m")->error,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("MiB")));
  EXPECT_EQ(pool_->models().Find("m")->model, nullptr);
  EXPECT_THAT(pool_->Available(), IsEmpty());
}

TEST_F(ModelPoolTest, AModelWhoseFolderIsGoneGoes) {
  Add("a", "like-default");
  Add("b", "like-default");
  Open();
  ASSERT_OK_AND_ASSIGN(const auto used, pool_->Acquire("a"));
  fs::remove_all(dir_.File("a"));
  ASSERT_OK(pool_->Look());
  EXPECT_THAT(pool_->Available(), ElementsAre("b"));
  EXPECT_THAT(pool_->Acquire("a"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("models/a")));
  Predict(*used);
}

int64_t ResidentBytes() {
  int64_t total = 0;
  int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(ModelPoolTest, MemoryReturnsHoweverOftenModelsComeAndGo) {
  options_.idle = absl::ZeroDuration();
  AddDefault("m");
  Open();
  const auto load_and_unload = [this] {
    Predict(*pool_->Acquire("m").value());
    ASSERT_OK(pool_->Look());
    ASSERT_FALSE(pool_->IsResident("m"));
  };
  for (int i = 0; i < 5; ++i) load_and_unload();
  const int64_t before = ResidentBytes();
  for (int i = 0; i < 50; ++i) load_and_unload();
  EXPECT_LE(ResidentBytes(), before + before / 20);
  // What 50 leaks of a tenth of the weights would take is more than that.
  EXPECT_GT(5 * Bytes("m"), before / 20);
}

}  // namespace
}  // namespace tweedie
