#include "core/weights/dialects/state_dict.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/nn/unet.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Tensors = std::map<std::string, at::Tensor>;

constexpr char kToQ[] = "mid_block.attentions.0.to_q.weight";

class StateDictTest : public testing::Test {
 protected:
  StateDictTest() {
    for (const auto& item : RandomUnet(SmallConfig())->named_parameters()) {
      tensors_[item.key()] = item.value();
    }
  }
  absl::Status Load() { return LoadStateDict(tensors_, *network_); }
  at::Tensor Parameter(const std::string& name) const { return network_->named_parameters()[name]; }
  void Rename(const std::string& from, const std::string& to) {
    tensors_[to] = tensors_.at(from);
    tensors_.erase(from);
  }

  Tensors tensors_;
  const std::shared_ptr<nn::UnetImpl> network_ = std::make_shared<nn::UnetImpl>(SmallConfig());
};

auto IsInvalid(const testing::Matcher<std::string>& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, message);
}

TEST_F(StateDictTest, EveryParameterGetsItsTensor) {
  ASSERT_OK(Load());
  for (const auto& [name, tensor] : tensors_) {
    EXPECT_TRUE(at::equal(Parameter(name), tensor)) << name;
    EXPECT_FALSE(Parameter(name).requires_grad());
  }
  const at::Tensor x = at::randn({1, 3, 8, 8}), t = at::arange(1);
  EXPECT_GT(network_->forward(x, t, {}).abs().max().item<float>(), 0);
}

// Tensors that are the network's alone, as those of a file are.
Tensors Clones(const Tensors& tensors) {
  Tensors clones;
  for (const auto& [name, tensor] : tensors) clones[name] = tensor.detach().clone();
  return clones;
}

TEST_F(StateDictTest, ConvolutionsBecomeChannelsLastInTheirOwnMemory) {
  Tensors own = Clones(tensors_);
  std::map<std::string, const void*> memory;
  for (const auto& [name, tensor] : own) memory[name] = tensor.const_data_ptr();
  ASSERT_OK(LoadStateDict(std::move(own), *network_));
  for (const auto& [name, tensor] : tensors_) {
    EXPECT_TRUE(at::equal(Parameter(name), tensor)) << name;
    EXPECT_EQ(Parameter(name).const_data_ptr(), memory[name]) << name;
    if (tensor.dim() == 4) {
      EXPECT_TRUE(Parameter(name).is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
    }
  }
}

TEST_F(StateDictTest, ConvolutionsThatShareMemoryKeepTheirValues) {
  const char* const names[] = {"mid_block.resnets.0.conv1.weight",
                               "mid_block.resnets.0.conv2.weight",
                               "mid_block.resnets.1.conv1.weight"};
  const at::Tensor value = tensors_.at(names[0]).clone();
  Tensors own = Clones(tensors_);
  const at::Tensor both = at::stack({value, value + 1});
  own[names[0]] = both[0];
  own[names[1]] = both[1];
  own[names[2]] = own[names[0]];
  ASSERT_OK(LoadStateDict(std::move(own), *network_));
  EXPECT_TRUE(at::equal(Parameter(names[0]), value));
  EXPECT_TRUE(at::equal(Parameter(names[1]), value + 1));
  EXPECT_TRUE(at::equal(Parameter(names[2]), value));
  EXPECT_TRUE(at::equal(both[0], value));
}

TEST_F(StateDictTest, OtherFloatingTypesBecomeFloat32) {
  tensors_["conv_in.weight"] = tensors_["conv_in.weight"].to(at::kDouble);
  tensors_["conv_in.bias"] = tensors_["conv_in.bias"].to(at::kHalf);
  tensors_["conv_out.bias"] = tensors_["conv_out.bias"].to(at::kBFloat16);
  ASSERT_OK(Load());
  for (const char* name : {"conv_in.weight", "conv_in.bias", "conv_out.bias"}) {
    EXPECT_EQ(Parameter(name).scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(Parameter(name), tensors_[name].to(at::kFloat)));
  }
}

TEST_F(StateDictTest, OldNamesAndConvolutionShapesOfAttentionAreUnderstood) {
  const at::Tensor query = tensors_.at(kToQ);
  Rename(kToQ, "mid_block.attentions.0.query.weight");
  Rename("mid_block.attentions.0.to_k.weight", "mid_block.attentions.0.key.weight");
  Rename("mid_block.attentions.0.to_v.bias", "mid_block.attentions.0.value.bias");
  Rename("mid_block.attentions.0.to_out.0.weight", "mid_block.attentions.0.proj_attn.weight");
  tensors_["mid_block.attentions.0.query.weight"] = query.view({16, 16, 1});
  at::Tensor& key = tensors_["mid_block.attentions.0.key.weight"];
  key = key.view({16, 16, 1, 1});
  ASSERT_OK(Load());
  EXPECT_TRUE(at::equal(Parameter(kToQ), query));
}

TEST_F(StateDictTest, BothSpellingsAtOnceAreAnError) {
  tensors_["mid_block.attentions.0.query.weight"] = tensors_[kToQ];
  EXPECT_THAT(Load(), IsInvalid(HasSubstr(absl::StrCat(kToQ, " is there in two spellings"))));
}

TEST_F(StateDictTest, OneErrorListsAllThatDoesNotFitAndChangesNothing) {
  tensors_.erase("conv_in.bias");
  tensors_["conv_out.weight"] = at::zeros({3, 8, 1, 1});
  tensors_["conv_norm_out.bias"] = at::zeros({8}, at::kLong);
  tensors_["left\nover"] = at::zeros({2});
  tensors_["time_embedding.linear_1.weight"] =
      tensors_["time_embedding.linear_1.weight"].unsqueeze(-1);  // only attention may be so
  EXPECT_THAT(Load(),
              IsInvalid(AllOf(HasSubstr("missing: conv_in.bias [8]"),
                              HasSubstr("conv_out.weight [3, 8, 1, 1] where the network has "
                                        "[3, 8, 3, 3]"),
                              HasSubstr("time_embedding.linear_1.weight [32, 8, 1] where"),
                              HasSubstr("not floating-point: conv_norm_out.bias Long"),
                              HasSubstr("not known to the network: left\\nover [2]"))));
  EXPECT_EQ(Parameter("conv_in.weight").abs().max().item<float>(), 0);
}

TEST_F(StateDictTest, ListOfAnErrorIsBounded) {
  tensors_.clear();
  for (int i = 0; i < 5000; ++i) tensors_[absl::StrCat("extra", i)] = at::zeros({1});
  const absl::Status status = Load();
  EXPECT_THAT(status, IsInvalid(HasSubstr("and 4990 more")));
  EXPECT_LT(status.message().size(), 2000u);
}

TEST_F(StateDictTest, WeightsMustBeFinite) {
  const auto with = [&](double value, at::ScalarType type) {
    tensors_["conv_out.bias"] = at::full({3}, value, type);
    return Load();
  };
  const auto refused = IsInvalid(HasSubstr("tensor conv_out.bias has values that are not finite"));
  EXPECT_THAT(with(std::numeric_limits<double>::quiet_NaN(), at::kFloat), refused);
  EXPECT_THAT(with(-std::numeric_limits<double>::infinity(), at::kHalf), refused);
  EXPECT_THAT(with(1e300, at::kDouble), refused);
  EXPECT_EQ(Parameter("conv_in.weight").abs().max().item<float>(), 0);
  EXPECT_OK(with(1, at::kFloat));
}

}  // namespace
}  // namespace tweedie
