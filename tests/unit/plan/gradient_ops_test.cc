// The ops of the backward pass against ATen's, differentiated by autograd.
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/plan/feature_memory.h"
#include "core/plan/gradient_tape.h"
#include "core/plan/ops/attention_gradient.h"
#include "core/plan/ops/group_norm_gradient.h"
#include "core/plan/ops/move_gradients.h"
#include "core/plan/ops/moves.h"
#include "core/plan/plan_writer.h"
#include "core/plan/row_runner.h"
#include "tests/unit/plan/ops_fixture.h"

namespace tweedie::plan {
namespace {

// The gradient by x of the sum of y * by.
at::Tensor GradientOf(const at::Tensor& y, const at::Tensor& x, const at::Tensor& by) {
  return torch::autograd::grad({y}, {x}, {by})[0];
}

at::Tensor Leaf(const at::Tensor& x) { return x.detach().contiguous().requires_grad_(); }

class GradientOpsTest : public OpsTest {};

// --- Moves -------------------------------------------------------------------

TEST_F(GradientOpsTest, OfUpsamplingPixelsAreSummed) {
  const Features in = Put(6, 8, 6), out = Put(6, 4, 3);
  const at::Tensor sum = at::avg_pool2d(Given(in), {2, 2}, {2, 2}).mul(4);
  Expect(One(MakeSumPool(in, out, false)), out, sum);
  Expect(One(MakeSumPool(in, out, true)), out, sum.add(Given(out)));
}

TEST_F(GradientOpsTest, OfMeansPixelsAreSpread) {
  const Features in = Put(6, 4, 3), out = Put(6, 8, 6);
  const at::Tensor spread = at::upsample_nearest2d(Given(in), {{8, 6}}).div(4);
  Expect(One(MakeSpread(in, out, false)), out, spread);
  Expect(One(MakeSpread(in, out, true)), out, spread.add(Given(out)));
}

TEST_F(GradientOpsTest, OfInterleavingPixelsArePicked) {
  const Features in = Put(6, 8, 6), out = Put(6, 4, 3);
  const at::Tensor quarters = at::pixel_unshuffle(Given(in), 2).view({1, 6, 4, 4, 3});
  for (const int64_t i : {0, 1, 2, 3}) {
    const at::Tensor picked = quarters.select(2, i);
    Expect(One(MakePick(in, i >= 2, i % 2 == 1, out, false)), out, picked);
    Expect(One(MakePick(in, i >= 2, i % 2 == 1, out, true)), out, picked.add(Given(out)));
  }
}

TEST_F(GradientOpsTest, OfJoiningChannelsAreSliced) {
  const Features in = Put(7, 4, 3), out = Put(2, 4, 3);
  const at::Tensor slice = Given(in).narrow(1, 5, 2);
  Expect(One(MakeSlice(in, 5, out, false)), out, slice);
  Expect(One(MakeSlice(in, 5, out, true)), out, slice.add(Given(out)));
}

TEST_F(GradientOpsTest, FeaturesAreAdded) {
  const Features in = Put(5, 4, 3), out = Put(5, 4, 3);
  Expect(One(MakeAdd(in, out)), out, Given(in).add(Given(out)));
}

TEST_F(GradientOpsTest, GradientsComeInAndGoOut) {
  const at::Tensor by = at::randn({3, 4, 5}), result = at::zeros({3, 4, 5}),
                   time = at::full({2}, 8.0f);
  row_ = {.time = time.const_data_ptr<float>(),
          .out_gradient = by.const_data_ptr<float>(),
          .x_gradient = result.mutable_data_ptr<float>()};
  const Features features = Put(3, 4, 5);
  Expect(One(MakeOutputGradient(features, -1)), features, by.unsqueeze(0));
  Ops ops = One(MakeOutputGradient(features, 1));
  ops.push_back(MakeInputGradient(features, 2.0f));
  Run(ops, features, 3);
  EXPECT_TRUE(at::equal(result, by.div(8).mul(2)));
}

// --- Norms -------------------------------------------------------------------

struct NormCase {
  std::vector<int64_t> channels;  // of the pieces
  int64_t groups, height, width;
  bool silu, by_time;
  double mean = 0;
};

class GroupNormGradientTest : public OpsTest, public testing::WithParamInterface<NormCase> {
 protected:
  void SetUp() override {
    const NormCase& n = GetParam();
    std::vector<at::Tensor> xs;
    for (const int64_t channels : n.channels) {
      xs.push_back(at::randn({1, channels, n.height, n.width}).add(n.mean));
      norm_.in.push_back(Put(xs.back()));
    }
    x_ = Leaf(at::cat(xs, 1).to(at::kDouble));
    const int64_t channels = x_.size(1);
    gamma_ = at::randn({channels});
    beta_ = at::randn({channels});
    time_ = at::randn({2 * channels + 1});
    norm_.gamma.assign(gamma_.const_data_ptr<float>(), gamma_.const_data_ptr<float>() + channels);
    norm_.beta.assign(beta_.const_data_ptr<float>(), beta_.const_data_ptr<float>() + channels);
    norm_.num_groups = n.groups;
    norm_.silu = n.silu;
    norm_.time_scale = n.by_time ? 1 : -1;
    norm_.out = Put(channels, n.height, n.width);
    norm_.scratch = arena_.Take(GroupNormScratch(norm_.out));
    row_.time = time_.const_data_ptr<float>();
  }

  // The gradients of all pieces, side by side in channels.
  at::Tensor Expected(const Features& out) const {
    const at::AutoGradMode grad_mode(true);
    const int64_t channels = x_.size(1);
    at::Tensor y = at::group_norm(x_, norm_.num_groups, gamma_.to(at::kDouble),
                                  beta_.to(at::kDouble), norm_.eps);
    if (GetParam().by_time) {
      y = y * time_.narrow(0, 1, channels).view({1, -1, 1, 1}).add(1) +
          time_.narrow(0, 1 + channels, channels).view({1, -1, 1, 1});
    }
    return GradientOf(norm_.silu ? at::silu(y) : y, x_, Given(out).to(at::kDouble));
  }
  Ops OpsOf(GroupNormGradientOptions gradient) {
    gradient.scratch = arena_.Take(GroupNormScratch(norm_.out));
    Ops ops;
    AddGroupNorm(gradient.norm, &ops);
    AddGroupNormGradient(gradient, &ops);
    return ops;
  }
  // What is left is the rounding of x.
  static double Tolerance() { return GetParam().mean == 0 ? 5e-6 : 4e-4; }

  GroupNormOptions norm_;
  at::Tensor x_, gamma_, beta_, time_;
};

TEST_P(GroupNormGradientTest, IsThatOfATen) {
  for (const bool accumulate : {false, true}) {
    GroupNormGradientOptions gradient{
        .norm = norm_, .out = Put(norm_.out.channels, norm_.out.height, norm_.out.width), .in = {}};
    for (const Features& in : norm_.in) {
      gradient.in.push_back({Put(in.channels, in.height, in.width), accumulate});
    }
    const Ops ops = OpsOf(gradient);
    const at::Tensor expected = Expected(gradient.out);
    int64_t first = 0;
    for (const auto& [features, accumulated] : gradient.in) {
      const at::Tensor of_piece = expected.narrow(1, first, features.channels);
      Expect(ops, features, accumulate ? of_piece.add(Given(features)) : of_piece, Tolerance());
      first += features.channels;
    }
  }
}

// Of one piece it may lie where that of the result does.
TEST_P(GroupNormGradientTest, InPlaceItIsThatOfATen) {
  const Features out = Put(norm_.out.channels, norm_.out.height, norm_.out.width);
  const bool one = norm_.in.size() == 1;
  GroupNormGradientOptions gradient{.norm = norm_, .out = out, .in = {{out, false}}};
  if (!one) gradient.norm.in = {Put(x_.detach().to(at::kFloat))};
  const Ops ops = OpsOf(gradient);
  Expect(ops, out, Expected(out), Tolerance());
}

INSTANTIATE_TEST_SUITE_P(
    Norms, GroupNormGradientTest,
    testing::Values(NormCase{{32}, 8, 8, 8, false, false}, NormCase{{30}, 3, 5, 3, true, false},
                    NormCase{{8}, 4, 2, 1, true, false}, NormCase{{64, 32}, 8, 4, 4, true, false},
                    NormCase{{3, 5}, 2, 4, 4, false, true}, NormCase{{32}, 8, 8, 8, true, true},
                    NormCase{{32}, 8, 16, 16, true, false, 1000}));

// --- Attention ---------------------------------------------------------------

class AttentionGradientTest : public OpsTest,
                              public testing::WithParamInterface<std::vector<int64_t>> {};

TEST_P(AttentionGradientTest, IsThatOfATen) {
  const int64_t heads = GetParam()[0], d = GetParam()[1], height = GetParam()[2],
                width = GetParam()[3];
  AttentionGradientOptions o{.attention = {.in = Put(3 * heads * d, height, width),
                                           .out = Put(heads * d, height, width),
                                           .heads = heads,
                                           .head_dim = d},
                             .out = Put(heads * d, height, width),
                             .in = Put(3 * heads * d, height, width)};
  o.scratch = arena_.Take(AttentionGradientScratch(o.attention));
  const at::AutoGradMode grad_mode(true);
  const at::Tensor x = Leaf(Given(o.attention.in).to(at::kDouble));
  const at::Tensor qkv = x.flatten(2).view({3, heads, d, height * width}).transpose(2, 3);
  const at::Tensor weights =
      at::softmax(at::matmul(qkv[0], qkv[1].transpose(1, 2)) / std::sqrt(d), 2);
  const at::Tensor y =
      at::matmul(weights, qkv[2]).transpose(1, 2).reshape({1, heads * d, height, width});
  Expect(One(MakeAttentionGradient(o)), o.in, GradientOf(y, x, Given(o.out).to(at::kDouble)), 5e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionGradientTest, testing::ValuesIn(AttentionShapes()));

// --- Convolutions ------------------------------------------------------------

// By the tape, as what goes back is one convolution or several.
struct ConvolutionCase {
  int64_t in, out, height, width, kernel, stride, pad;
  bool doubled = false;
};

class ConvolutionGradientTest : public testing::TestWithParam<ConvolutionCase> {
 protected:
  ConvolutionGradientTest() { at::manual_seed(1); }
  static at::Tensor Convolved(const at::Tensor& x, const at::Tensor& weight) {
    const ConvolutionCase& c = GetParam();
    at::Tensor padded = x;
    if (c.doubled) padded = at::upsample_nearest2d(x, {{2 * c.height, 2 * c.width}});
    if (c.pad == 0 && c.kernel > 1) padded = at::constant_pad_nd(x, {0, 1, 0, 1});
    return at::conv2d(padded, weight, {}, {c.stride, c.stride}, at::IntArrayRef({c.pad, c.pad}));
  }
};

TEST_P(ConvolutionGradientTest, IsThatOfATen) {
  const ConvolutionCase& c = GetParam();
  const at::Tensor weight = at::randn({c.out, c.in, c.kernel, c.kernel});
  const at::AutoGradMode grad_mode(true);
  const at::Tensor x = Leaf(at::randn({1, c.in, c.height, c.width}));
  const at::Tensor y = Convolved(x, weight);
  const at::Tensor by = at::randn(y.sizes());
  const at::Tensor expected = GradientOf(y, x, by).mul(2);

  PackedWeights packed;
  PlanWriter writer({.gradients = true, .packed = &packed});
  const Features image = writer.New(c.in, c.height, c.width);
  writer.Input(image, 1, 0);
  const auto out = [&] { return writer.New(c.out, y.size(2), y.size(3)); };
  PlanWriter::Convolved convolved{.name = "c",
                                  .weight = weight,
                                  .bias = {},
                                  .in = image,
                                  .out = out(),
                                  .stride = c.stride,
                                  .pad = {c.pad, c.pad}};
  c.doubled ? writer.ConvolveDoubled(convolved) : writer.Convolve(convolved);
  // Twice, so that one is added to the gradient that the other has made.
  const Features first = convolved.out;
  convolved.out = out();
  c.doubled ? writer.ConvolveDoubled(convolved) : writer.Convolve(convolved);
  const Features sum = writer.New(c.out + c.out, y.size(2), y.size(3));
  writer.Join({first, convolved.out}, sum);
  writer.Output(sum, -1);
  const PlanWriter::Written written = writer.Finish();

  const at::Tensor twice = at::cat({by, by}, 1), result = at::empty_like(twice),
                   gradient = at::empty(x.sizes());
  const Row row{.x = x.const_data_ptr<float>(),
                .out = result.mutable_data_ptr<float>(),
                .out_gradient = twice.const_data_ptr<float>(),
                .x_gradient = gradient.mutable_data_ptr<float>()};
  const std::array<const Ops*, 2> passes = {&written.ops, &written.gradient_ops};
  RowRunner runner(passes, written.arena_floats);
  runner.Begin(row);
  runner.Run({0, 1}, 0);
  runner.Run({0, 1}, 1);
  const double scale = expected.abs().max().item<double>();
  EXPECT_LT(gradient.sub(expected).abs().max().item<double>(), 3e-6 * scale);
  EXPECT_LT(result.narrow(1, c.out, c.out).sub(y).abs().max().item<double>(),
            3e-6 * y.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionGradientTest,
                         testing::Values(ConvolutionCase{1, 32, 32, 32, 3, 1, 1},
                                         ConvolutionCase{32, 1, 32, 32, 3, 1, 1},
                                         ConvolutionCase{3, 5, 7, 9, 3, 1, 1},
                                         ConvolutionCase{64, 32, 8, 8, 1, 1, 0},
                                         ConvolutionCase{32, 16, 16, 16, 3, 2, 1},
                                         ConvolutionCase{32, 16, 16, 16, 3, 2, 0},
                                         ConvolutionCase{5, 6, 2, 4, 3, 2, 1},
                                         ConvolutionCase{5, 6, 2, 4, 3, 2, 0},
                                         ConvolutionCase{16, 24, 8, 4, 3, 1, 1, true}));

}  // namespace
}  // namespace tweedie::plan
