#include "core/plan/convolution_gradient.h"

#include <ATen/ATen.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/ops/moves.h"

namespace tweedie::plan {
namespace {

// [in, out, k, k], the last weight first.
at::Tensor Transposed(const at::Tensor& weight) { return weight.transpose(0, 1).flip({2, 3}); }

// Of three weights along `dim`, those with which a convolution of stride 2, `pad` of whose
// pixels lie before the first, reaches every second of its inputs, from the `odd` one on: two, the
// last first, of which the second may be zero; and how many pixels they begin before.
std::pair<at::Tensor, int64_t> Reaching(const at::Tensor& weight, int64_t dim, int64_t pad,
                                        int64_t odd) {
  const auto at = [&](int64_t i) { return weight.narrow(dim, i, 1); };
  if ((odd + pad) % 2 == 1) return {at::cat({at(1), at::zeros_like(at(1))}, dim), 0};
  return {at::cat({at(2), at(0)}, dim), 1 - (odd + pad) / 2};
}

// A quarter of the inputs' pixels each, as what no stride reaches needs no product.
void RewindStride(const ConvolutionOptions& c, const at::Tensor& weight, const Features& gradient,
                  const GradientTape::Target& into, GradientTape& tape) {
  std::vector<Features> quarters;
  const at::Tensor transposed = weight.transpose(0, 1);
  for (const int64_t below : {0, 1}) {
    for (const int64_t right : {0, 1}) {
      const auto [lines, above] = Reaching(transposed, 2, c.pad[0], below);
      const auto [both, left] = Reaching(lines, 3, c.pad[1], right);
      const at::Tensor plain = both.contiguous();
      quarters.push_back(tape.memory().New(c.in.channels, gradient.height, gradient.width));
      tape.Append(MakeConvolution({.in = gradient,
                                   .out = quarters.back(),
                                   .kernel = 2,
                                   .pad = {above, left},
                                   .weights = plain.const_data_ptr<float>(),
                                   .packed = c.packed,
                                   .name = absl::StrCat(c.name, ":", below, right, "'")}));
    }
  }
  tape.Append(MakeInterleave(quarters, into.features, into.accumulate));
  for (const Features& quarter : quarters) tape.memory().Release(quarter);
}

}  // namespace

void RewindConvolution(const ConvolutionOptions& c, const at::Tensor& weight,
                       const Features& gradient, GradientTape& tape) {
  const GradientTape::Target into = tape.Into(c.in);
  if (c.stride != 1) {
    TORCH_CHECK(c.stride == 2 && c.kernel == 3 && c.in.height == 2 * c.out.height &&
                    c.in.width == 2 * c.out.width,
                "no gradient is planned for a stride of ", c.stride, " with a kernel of ",
                c.kernel);
    return RewindStride(c, weight, gradient, into, tape);
  }
  const at::Tensor transposed = Transposed(weight).contiguous();
  tape.Append(MakeConvolution({.in = gradient,
                               .out = into.features,
                               .kernel = c.kernel,
                               .pad = {c.kernel - 1 - c.pad[0], c.kernel - 1 - c.pad[1]},
                               .accumulate = into.accumulate,
                               .weights = transposed.const_data_ptr<float>(),
                               .packed = c.packed,
                               .name = c.name + "'"}));
}

}  // namespace tweedie::plan
