// PlanWriter's convolutions.
#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "core/plan/convolution_gradient.h"
#include "core/plan/ops/convolution.h"
#include "core/plan/ops/move_gradients.h"
#include "core/plan/ops/moves.h"
#include "core/plan/ops/winograd.h"
#include "core/plan/plan_writer.h"

namespace tweedie::plan {
namespace {

// Of three weights in a row, those of what two of them see as one pixel, summed: the
// last two for the first of a pair of output pixels, the first two for the second.
at::Tensor Folded(const at::Tensor& weight, int64_t dim, bool second) {
  const at::Tensor kept = weight.narrow(dim, second ? 2 : 0, 1);
  const at::Tensor sum = weight.narrow(dim, second ? 0 : 1, 2).sum(dim, /*keepdim=*/true);
  return second ? at::cat({sum, kept}, dim) : at::cat({kept, sum}, dim);
}

}  // namespace

void PlanWriter::Convolve(const Convolved& c) {
  const bool linear = c.weight.dim() == 2;
  const at::Tensor weight = (linear ? c.weight.unsqueeze(2).unsqueeze(3) : c.weight)
                                .contiguous(at::MemoryFormat::Contiguous);
  const ConvolutionOptions options{
      .in = c.in,
      .out = c.out,
      .kernel = weight.size(2),
      .stride = c.stride,
      .pad = c.pad,
      .accumulate = c.accumulate,
      .plus = c.plus,
      .weights = weight.const_data_ptr<float>(),
      .bias = c.bias.defined() ? c.bias.const_data_ptr<float>() : nullptr,
      .packed = options_.packed,
      .name = c.name,
      .time_bias = c.time_bias};
  Append(MakeConvolution(options));
  // A sum that was begun by another op goes on to that.
  Record([=](GradientTape& tape) {
    const Features gradient = c.accumulate ? tape.Get(c.out) : tape.Take(c.out);
    RewindConvolution(options, weight, gradient, tape);
    if (c.plus) {
      tape.Pass(gradient, *c.plus);
    } else if (!c.accumulate) {
      tape.memory().Release(gradient);
    }
  });
}

void PlanWriter::ConvolveDoubled(const Convolved& c) {
  Features doubled = c.in;
  doubled.height = c.out.height;
  doubled.width = c.out.width;
  if (WinogradTile({.in = doubled, .out = c.out, .name = ""}) == 4) return ConvolveUpsampled(c);
  ConvolveFolded(c);
}

void PlanWriter::ConvolveUpsampled(Convolved c) {
  c.in = Upsampled(c.in);
  Convolve(c);
  Release(c.in);
}

void PlanWriter::ConvolveFolded(const Convolved& c) {
  const at::Tensor weight = c.weight.to(at::kDouble);
  Pieces quarters;
  for (const int64_t below : {0, 1}) {
    for (const int64_t right : {0, 1}) {
      Convolved quarter = c;
      quarter.name = absl::StrCat(c.name, ":", below, right);
      quarter.weight = Folded(Folded(weight, 2, below == 1), 3, right == 1).to(at::kFloat);
      quarter.out = New(c.out.channels, c.in.height, c.in.width);
      quarter.pad = {1 - below, 1 - right};
      Convolve(quarter);
      quarters.push_back(quarter.out);
    }
  }
  Interleave(quarters, c.out);
  for (const Features& quarter : quarters) Release(quarter);
}

void PlanWriter::Interleave(const Pieces& quarters, const Features& out) {
  Append(MakeInterleave(quarters, out));
  Record([=](GradientTape& tape) {
    const Features gradient = tape.Take(out);
    for (size_t i = 0; i < quarters.size(); ++i) {
      const auto [features, accumulate] = tape.Into(quarters[i]);
      tape.Append(MakePick(gradient, i / 2 == 1, i % 2 == 1, features, accumulate));
    }
    tape.memory().Release(gradient);
  });
}

}  // namespace tweedie::plan
