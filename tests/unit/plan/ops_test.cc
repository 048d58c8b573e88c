// The ops of plans against ATen's.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/ops/attention.h"
#include "core/plan/ops/convolution.h"
#include "core/plan/ops/group_norm.h"
#include "core/plan/ops/moves.h"
#include "core/plan/ops/winograd.h"
#include "tests/testing/bfloat16.h"
#include "tests/unit/plan/ops_fixture.h"

namespace tweedie::plan {
namespace {

struct Shape {
  int64_t in, out, height, width, kernel, stride, pad;
};

// By the type of what is multiplied. Sums are float32 in either, so rounded factors are no
// reason for another tolerance.
class ConvolutionTest : public OpsTest,
                        public testing::WithParamInterface<std::tuple<Shape, Type>> {
 protected:
  void SetUp() override {
    if (type() == Type::kBfloat16) SKIP_WITHOUT_BFLOAT16();
    const Shape& s = shape();
    options_.in = Put(s.in, s.height, s.width, type());
    weight_ = at::randn({s.out, s.in, s.kernel, s.kernel});
    // Without padding: one line and one column are added below and to the right.
    expected_ = at::conv2d(
        s.pad == 0 && s.kernel > 1 ? at::constant_pad_nd(Given(options_.in), {0, 1, 0, 1})
                                   : Given(options_.in),
        RoundedTo(type(), weight_), {}, {s.stride, s.stride}, at::IntArrayRef({s.pad, s.pad}));
    options_.out = Put(s.out, expected_.size(2), expected_.size(3));
    options_.kernel = s.kernel;
    options_.stride = s.stride;
    options_.pad = {s.pad, s.pad};
    options_.weights = weight_.const_data_ptr<float>();
    options_.bias = bias_.const_data_ptr<float>();
  }
  at::Tensor WithBias() const {
    return expected_.add(bias_.narrow(0, 0, shape().out).view({1, -1, 1, 1}));
  }
  static const Shape& shape() { return std::get<Shape>(GetParam()); }
  static Type type() { return std::get<Type>(GetParam()); }

  ConvolutionOptions options_;
  at::Tensor weight_, bias_ = at::randn({600}), expected_;
};

TEST_P(ConvolutionTest, IsThatOfATen) {
  Expect(One(MakeConvolution(options_)), options_.out, WithBias());
  options_.bias = nullptr;
  Expect(One(MakeConvolution(options_)), options_.out, expected_);
  if (type() == Type::kFloat32) return;  // whose results are not rounded
  options_.out.type = Type::kBfloat16;
  Expect(One(MakeConvolution(options_)), options_.out, expected_, 4e-3);
}

TEST_P(ConvolutionTest, AccumulatesAndAdds) {
  options_.accumulate = true;
  Expect(One(MakeConvolution(options_)), options_.out, WithBias().add(Given(options_.out)));
  options_.accumulate = false;
  options_.plus = Put(options_.out.channels, options_.out.height, options_.out.width);
  Expect(One(MakeConvolution(options_)), options_.out, WithBias().add(Given(*options_.plus)));
}

TEST_P(ConvolutionTest, TakesItsBiasFromTheRow) {
  options_.bias = nullptr;
  options_.time_bias = 3;
  for (int i = 0; i < 2; ++i) {
    bias_ = at::randn({600});
    const at::Tensor time = at::cat({at::zeros({3}), bias_});
    row_.time = time.const_data_ptr<float>();
    EXPECT_LT(Run(One(MakeConvolution(options_)), options_.out, 2)
                  .sub(WithBias())
                  .abs()
                  .max()
                  .item<double>(),
              3e-6 * WithBias().abs().max().item<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvolutionTest,
    testing::Combine(testing::Values(Shape{1, 32, 32, 32, 3, 1, 1}, Shape{32, 1, 32, 32, 3, 1, 1},
                                     Shape{3, 5, 7, 9, 3, 1, 1}, Shape{96, 64, 16, 16, 3, 1, 1},
                                     Shape{64, 64, 8, 8, 1, 1, 0}, Shape{32, 64, 16, 16, 1, 1, 0},
                                     Shape{32, 32, 16, 16, 3, 2, 1}, Shape{32, 32, 16, 16, 3, 2, 0},
                                     Shape{17, 33, 1, 1, 3, 1, 1}, Shape{16, 16, 2, 4, 3, 1, 1},
                                     Shape{8, 8, 64, 16, 3, 1, 1}, Shape{8, 8, 128, 8, 3, 1, 1},
                                     // by Winograd's, 2 x 2 and 4 x 4: slices of channels, blocks
                                     // that are not of one size, and many of them
                                     Shape{32, 64, 8, 8, 3, 1, 1}, Shape{32, 16, 8, 12, 3, 1, 1},
                                     Shape{16, 48, 30, 18, 3, 1, 1}, Shape{64, 64, 42, 66, 3, 1, 1},
                                     Shape{32, 64, 16, 20, 3, 1, 1}, Shape{16, 48, 24, 16, 3, 1, 1},
                                     Shape{128, 128, 36, 36, 3, 1, 1},
                                     Shape{64, 64, 64, 64, 3, 1, 1}),
                     testing::Values(Type::kFloat32, Type::kBfloat16)),
    [](const auto& info) {
      const Shape& s = std::get<Shape>(info.param);
      const bool rounded = std::get<Type>(info.param) == Type::kBfloat16;
      return absl::StrCat("c", s.in, "to", s.out, "of", s.height, "x", s.width, "k", s.kernel, "s",
                          s.stride, "p", s.pad, rounded ? "bfloat16" : "float32");
    });

TEST_F(OpsTest, WinogradTakesWhatItCanBlockAndTransform) {
  const auto tile = [](const Features& in, const Features& out, int64_t stride = 1,
                       std::array<int64_t, 2> pad = {1, 1}) {
    return WinogradTile({.in = in, .out = out, .stride = stride, .pad = pad, .name = ""});
  };
  const auto of = [](int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32) {
    return Features{0, channels, height, width, type};
  };
  EXPECT_EQ(tile(of(16, 8, 8), of(32, 8, 8)), 2);
  EXPECT_EQ(tile(of(16, 16, 20), of(32, 16, 20)), 4);
  EXPECT_EQ(tile(of(16, 12, 20), of(32, 12, 20)), 2) << "few tiles";
  EXPECT_EQ(tile(of(16, 18, 16), of(32, 18, 16)), 2) << "half a tile";
  EXPECT_EQ(tile(of(16, 4, 8), of(32, 4, 8)), 0) << "too few tiles";
  EXPECT_EQ(tile(of(16, 9, 8), of(32, 9, 8)), 0) << "half a tile";
  EXPECT_EQ(tile(of(24, 8, 8), of(32, 8, 8)), 0) << "half a register";
  EXPECT_EQ(tile(of(16, 16, 16), of(32, 8, 8), 2), 0);
  EXPECT_EQ(tile(of(16, 8, 8), of(32, 8, 8), 1, {0, 1}), 0);
  EXPECT_EQ(tile(of(16, 8, 8, Type::kBfloat16), of(32, 8, 8)), 0);
}

// ADR 58's figures: with the paper's points the error of tiles of 4 would be 2.2e-6.
TEST_F(OpsTest, WinogradsErrorsAreThoseOfItsPoints) {
  const auto error = [this](int64_t height, int64_t width) {
    const at::Tensor weight = at::randn({128, 128, 3, 3}).div_(36);
    ConvolutionOptions o{.in = Put(at::silu(at::randn({1, 128, height, width}))),
                         .out = Put(128, height, width),
                         .name = ""};
    o.weights = weight.const_data_ptr<float>();
    const at::Tensor expected = at::conv2d(Given(o.in).to(at::kDouble), weight.to(at::kDouble), {},
                                           {1, 1}, at::IntArrayRef({1, 1}));
    const at::Tensor apart = Run(One(MakeWinogradConvolution(o)), o.out, 1).sub(expected);
    return (apart.norm() / expected.norm()).item<double>();
  };
  EXPECT_LT(error(14, 14), 5e-7);  // tiles of 2
  EXPECT_LT(error(16, 16), 1.2e-6);
}

// Pads above and to the left of one output pixel's convolution, none or one; the
// others are below and to the right.
TEST_F(OpsTest, ConvolutionsMayBePaddedOnOneSide) {
  for (const int64_t above : {0, 1}) {
    for (const int64_t left : {0, 1}) {
      const at::Tensor weight = at::randn({5, 6, 2, 2});
      ConvolutionOptions o{.in = Put(6, 8, 3), .out = Put(5, 8, 3), .kernel = 2};
      o.pad = {above, left};
      o.weights = weight.const_data_ptr<float>();
      const at::Tensor padded =
          at::constant_pad_nd(Given(o.in), {left, 1 - left, above, 1 - above});
      Expect(One(MakeConvolution(o)), o.out, at::conv2d(padded, weight));
    }
  }
}

class GroupNormTest : public OpsTest {
 protected:
  // The norm of `pieces` side by side, and what it should be.
  void ExpectNorm(const std::vector<at::Tensor>& pieces, int64_t groups, bool silu,
                  bool by_time = false, double tolerance = 3e-6) {
    GroupNormOptions o{.in = {}, .out = {}, .num_groups = groups, .silu = silu};
    for (const at::Tensor& piece : pieces) o.in.push_back(Put(piece));
    const at::Tensor x = at::cat(pieces, 1);
    const int64_t channels = x.size(1);
    const at::Tensor gamma = at::randn({channels}), beta = at::randn({channels}),
                     time = at::randn({2 * channels + 1});
    o.gamma.assign(gamma.const_data_ptr<float>(), gamma.const_data_ptr<float>() + channels);
    o.beta.assign(beta.const_data_ptr<float>(), beta.const_data_ptr<float>() + channels);
    o.out = Put(channels, x.size(2), x.size(3));
    o.scratch = arena_.Take(GroupNormScratch(o.out));
    o.time_scale = by_time ? 1 : -1;
    row_.time = time.const_data_ptr<float>();
    at::Tensor expected = at::group_norm(x.to(at::kDouble), groups, gamma.to(at::kDouble),
                                         beta.to(at::kDouble), o.eps);
    if (by_time) {
      expected.mul_(time.narrow(0, 1, channels).view({1, -1, 1, 1}).add(1));
      expected.add_(time.narrow(0, 1 + channels, channels).view({1, -1, 1, 1}));
    }
    if (silu) expected = at::silu(expected);
    ExpectOf(o, expected, tolerance);
    if (silu && !CheckBfloat16Cpu().ok()) return;  // ConvolutionTest says so
    o.out = Put(channels, x.size(2), x.size(3), Type::kBfloat16);
    ExpectOf(o, expected, 4e-3);
  }

 private:
  void ExpectOf(const GroupNormOptions& o, const at::Tensor& expected, double tolerance) {
    Ops ops;
    AddGroupNorm(o, &ops);
    Expect(ops, o.out, expected, tolerance);
  }
};

TEST_F(GroupNormTest, IsThatOfATen) {
  ExpectNorm({at::randn({1, 32, 8, 8})}, 8, false);
  ExpectNorm({at::randn({1, 30, 5, 3})}, 3, true);
  ExpectNorm({at::randn({1, 8, 1, 1})}, 4, true);
}

TEST_F(GroupNormTest, GroupsMayHaveChannelsOfTwoPieces) {
  ExpectNorm({at::randn({1, 64, 4, 4}), at::randn({1, 32, 4, 4})}, 8, true);
  ExpectNorm({at::randn({1, 3, 4, 4}), at::randn({1, 5, 4, 4})}, 2, false);
}

TEST_F(GroupNormTest, TimeScalesAndShifts) {
  ExpectNorm({at::randn({1, 32, 8, 8})}, 8, true, true);
}

// As E[x^2] - E[x]^2 in float32 is not: it would have no digit right. (What is left is
// the rounding of scale x + shift.)
TEST_F(GroupNormTest, VarianceIsRightFarFromZero) {
  ExpectNorm({at::randn({1, 32, 16, 16}).add(3000)}, 8, false, false, 4e-4);
}

// Whose squares are above the largest float32: not a norm of zero.
TEST_F(GroupNormTest, OverflowIsSeen) {
  GroupNormOptions o{.in = {Put(at::randn({1, 8, 4, 4}).mul(1e25))}, .out = Put(8, 4, 4)};
  o.num_groups = 2;
  o.gamma.assign(8, 1.0f);
  o.beta.assign(8, 0.0f);
  o.scratch = arena_.Take(GroupNormScratch(o.out));
  Ops ops;
  AddGroupNorm(o, &ops);
  EXPECT_TRUE(Run(ops, o.out, 1).isnan().all().item<bool>());
}

class AttentionTest : public OpsTest, public testing::WithParamInterface<std::vector<int64_t>> {
 protected:
  void ExpectOf(Type type, double tolerance);
};

void AttentionTest::ExpectOf(Type type, double tolerance) {
  const int64_t heads = GetParam()[0], d = GetParam()[1], height = GetParam()[2],
                width = GetParam()[3];
  AttentionOptions o{.in = Put(3 * heads * d, height, width, type),
                     .out = Put(heads * d, height, width, type),
                     .heads = heads,
                     .head_dim = d};
  o.scratch = arena_.Take(AttentionScratch(o));
  const at::Tensor qkv = Given(o.in).flatten(2).view({3, heads, d, height * width}).transpose(2, 3);
  const at::Tensor expected = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
                                  .transpose(1, 2)
                                  .reshape({1, heads * d, height, width});
  Expect(One(MakeAttention(o)), o.out, expected, tolerance);
}

TEST_P(AttentionTest, IsThatOfATen) { ExpectOf(Type::kFloat32, 3e-6); }

// Weights and results are rounded.
TEST_P(AttentionTest, OfShortNumbersIsThatOfATen) {
  SKIP_WITHOUT_BFLOAT16();
  ExpectOf(Type::kBfloat16, 8e-3);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionTest, testing::ValuesIn(AttentionShapes()));

class MovesTest : public OpsTest {};

TEST_F(MovesTest, UpsamplingRepeatsPixels) {
  const Features in = Put(6, 4, 3), out = Put(6, 8, 6);
  Expect(One(MakeUpsample(in, out)), out, at::upsample_nearest2d(Given(in), {{8, 6}}));
}

TEST_F(MovesTest, FourAreInterleaved) {
  std::vector<Features> quarters;
  std::vector<at::Tensor> given;
  for (int i = 0; i < 4; ++i) {
    quarters.push_back(Put(6, 4, 3));
    given.push_back(Given(quarters.back()).squeeze(0));
  }
  const Features out = Put(6, 8, 6);
  const at::Tensor expected = at::stack(given, 1).flatten(0, 1).unsqueeze(0);  // 4 a channel
  Expect(One(MakeInterleave(quarters, out)), out, at::pixel_shuffle(expected, 2));
}

TEST_F(MovesTest, PoolingTakesMeans) {
  const Features in = Put(6, 8, 6), out = Put(6, 4, 3);
  Expect(One(MakeAveragePool(in, out)), out, at::avg_pool2d(Given(in), {2, 2}, {2, 2}));
}

TEST_F(MovesTest, PiecesAreJoined) {
  const Features a = Put(5, 4, 3), b = Put(2, 4, 3), out = Put(7, 4, 3);
  Expect(One(MakeJoin({a, b}, out)), out, at::cat({Given(a), Given(b)}, 1));
}

TEST_F(MovesTest, PiecesAreJoinedAndRounded) {
  const Features a = Put(5, 4, 3), b = Put(2, 4, 3), out = Put(7, 4, 3, Type::kBfloat16);
  const at::Tensor joined = at::cat({Given(a), Given(b)}, 1);
  Expect(One(MakeJoin({a, b}, out)), out, RoundedTo(Type::kBfloat16, joined), 1e-9);
}

TEST_F(MovesTest, FeaturesAreScaledInPlace) {
  const Features x = Put(5, 4, 3);
  Expect(One(MakeScale(x, 0.25f)), x, Given(x).mul(0.25));
}

TEST_F(MovesTest, ImagesComeInAndGoOut) {
  const at::Tensor image = at::randn({3, 4, 5}), result = at::zeros({3, 4, 5}),
                   time = at::full({2}, 8.0f);
  row_ = {image.const_data_ptr<float>(), time.const_data_ptr<float>(),
          result.mutable_data_ptr<float>()};
  const Features features = Put(3, 4, 5);
  Expect(One(MakeInput(features, 2.0f, -1.0f)), features, image.mul(2).sub(1).unsqueeze(0));
  Ops ops = One(MakeInput(features, 1.0f, 0.0f));
  ops.push_back(MakeOutput(features, 1));
  Run(ops, features, 3);
  EXPECT_TRUE(at::equal(result, image.div(8)));
}

}  // namespace
}  // namespace tweedie::plan
