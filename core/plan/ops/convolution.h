#ifndef TWEEDIE_CORE_PLAN_OPS_CONVOLUTION_H_
#define TWEEDIE_CORE_PLAN_OPS_CONVOLUTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/plan/ops/op.h"
#include "core/plan/ops/packed_weights.h"

namespace tweedie::plan {

// A convolution of a plan, with its weights.
struct ConvolutionOptions {
  // Weights have the type of `in`; `out` has it too, or float32, in which products are summed
  // and biases are.
  Features in, out;
  int64_t kernel = 3;
  int64_t stride = 1;
  // Above and to the left; below and to the right as `out` needs.
  std::array<int64_t, 2> pad = {1, 1};
  // Whether it is added to what `out` holds.
  bool accumulate = false;
  // Features of the output's shape and type that are added to it; not beside `accumulate`.
  std::optional<Features> plus = std::nullopt;
  const float* weights = nullptr;  // [out, in, kernel, kernel]; read by MakeConvolution() alone
  const float* bias = nullptr;     // [out], read likewise; null: none
  // Where the packed weights are shared by this name; null: nowhere.
  PackedWeights* packed = nullptr;
  std::string name;
  // With `bias` null: where in Row::time the bias begins, floats; -1: none.
  int64_t time_bias = -1;
};

// By MakeWinogradConvolution() where that takes it; else by oneDNN's convolution in inference:
// weights packed once, bias and sum fused, no memory taken in a call. Split into a few blocks of
// lines, of which there are as many whatever the team: kernels for other sizes may have other bits.
// Throws dnnl::error.
std::unique_ptr<const Op> MakeConvolution(const ConvolutionOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_CONVOLUTION_H_
