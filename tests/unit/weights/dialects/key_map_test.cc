#include "core/weights/dialects/key_map.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace tweedie {
namespace {

using testing::ElementsAre;
using testing::Eq;

// Rows 0, 1, 2, ... of one column.
at::Tensor Rows(int64_t count) { return at::arange(count, at::kFloat).view({count, 1}); }

std::vector<int64_t> Taken(const Source& source, const at::Tensor& tensor) {
  const std::optional<at::Tensor> value = Adapt(source, tensor, {tensor.size(0) / 3, 1});
  if (!value) return {};
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < value->size(0); ++i) rows.push_back(value->select(0, i).item<int64_t>());
  return rows;
}

// Two heads of two channels: legacy rows are q q k k v v of head 0, then of head 1.
TEST(KeyMapTest, QkvByHeadTakesItsPartOfEachHead) {
  const at::Tensor qkv = Rows(12);
  const auto part = [](int i) {
    return Source{.key = "", .form = Form::kQkvByHead, .part = i, .heads = 2};
  };
  EXPECT_THAT(Taken(part(0), qkv), ElementsAre(0, 1, 6, 7));
  EXPECT_THAT(Taken(part(1), qkv), ElementsAre(2, 3, 8, 9));
  EXPECT_THAT(Taken(part(2), qkv), ElementsAre(4, 5, 10, 11));
}

TEST(KeyMapTest, QkvByPartTakesOneBlockOfRows) {
  const at::Tensor qkv = Rows(12);
  const auto part = [](int i) { return Source{.key = "", .form = Form::kQkvByPart, .part = i}; };
  EXPECT_THAT(Taken(part(0), qkv), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Taken(part(2), qkv), ElementsAre(8, 9, 10, 11));
}

TEST(KeyMapTest, OrdersAgreeForOneHead) {
  const at::Tensor qkv = Rows(12);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Taken({.key = "", .form = Form::kQkvByHead, .part = i, .heads = 1}, qkv),
              Taken({.key = "", .form = Form::kQkvByPart, .part = i}, qkv));
  }
}

TEST(KeyMapTest, BiasesAndConvolutionsAreSplitAlike) {
  const Source k{.key = "", .form = Form::kQkvByHead, .part = 1, .heads = 2};
  const at::Tensor bias = at::arange(12, at::kFloat);
  EXPECT_TRUE(at::equal(*Adapt(k, bias, {4}), at::tensor({2.F, 3.F, 8.F, 9.F})));
  const at::Tensor weight = at::rand({12, 4, 1});
  EXPECT_TRUE(at::equal(*Adapt(k, weight, {4, 4}), *Adapt(k, weight.unsqueeze(-1), {4, 4})));
}

TEST(KeyMapTest, PatchesBecomeTheSameConvolution) {
  const at::Tensor weight = at::rand({5, 12, 1, 1}), x = at::rand({2, 3, 8, 8});
  const at::Tensor patches = at::pixel_unshuffle(x, 2);  // channels run (c, row, column)
  const at::Tensor kernel = *Adapt({.key = "", .form = Form::kPatches}, weight, {5, 3, 2, 2});
  EXPECT_TRUE(at::allclose(at::conv2d(x, kernel, {}, {2, 2}), at::conv2d(patches, weight)));
}

TEST(KeyMapTest, StandardizedWeightsHaveMeanZeroAndVarianceOne) {
  const at::Tensor weight = at::rand({6, 4, 3, 3}).mul(3).add(1);
  const at::Tensor rows =
      Adapt({.key = "", .form = Form::kStandardized}, weight, {6, 4, 3, 3})->flatten(1);
  EXPECT_LT(rows.mean(1).abs().max().item<float>(), 1e-5);
  EXPECT_LT(rows.var(1, false).sub(1).abs().max().item<float>(), 1e-3);
}

TEST(KeyMapTest, OtherShapesAreRefused) {
  EXPECT_THAT(Adapt({.key = ""}, at::rand({3, 2}), {2, 3}), Eq(std::nullopt));
  EXPECT_THAT(Adapt({.key = ""}, at::rand({3, 2, 1}), {3, 2}), Eq(std::nullopt));
  EXPECT_THAT(Adapt({.key = "", .form = Form::kPointwise}, at::rand({3, 2, 2}), {3, 2}),
              Eq(std::nullopt));
  const Source qkv{.key = "", .form = Form::kQkvByHead, .part = 0, .heads = 3};
  EXPECT_THAT(Adapt(qkv, at::rand({12, 4}), {4, 4}), Eq(std::nullopt)) << "3 heads of 4 channels";
  EXPECT_THAT(Adapt(qkv, at::rand({11, 4}), {4, 4}), Eq(std::nullopt));
  EXPECT_THAT(FileShape(qkv, {4, 4}), ElementsAre(12, 4));
}

}  // namespace
}  // namespace tweedie
