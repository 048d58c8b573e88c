#include "bench/onednn_peak.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>

#include "core/diffusion/row_pool.h"
#include "core/plan/ops/onednn.h"

namespace tweedie {
namespace {

using dnnl::memory;

memory::desc Any(memory::dims dims) {
  return memory::desc(std::move(dims), memory::data_type::f32, memory::format_tag::any);
}

// One thread's convolution, with memory of its own.
class Convolution {
 public:
  explicit Convolution(const ConvolutionShape& shape) : Convolution(Describe(shape)) {}

  void Run() { primitive_.execute(plan::Stream(), arguments_); }

 private:
  using Desc = dnnl::convolution_forward::primitive_desc;

  static Desc Describe(const ConvolutionShape& shape) {
    const memory::desc image = Any({1, shape.channels, shape.side, shape.side});
    return Desc(plan::Engine(), dnnl::prop_kind::forward_inference,
                dnnl::algorithm::convolution_direct, image,
                Any({shape.channels, shape.channels, 3, 3}), image, {1, 1}, {1, 1}, {1, 1});
  }

  explicit Convolution(const Desc& desc)
      : primitive_(desc),
        arguments_({{DNNL_ARG_SRC, Filled(desc.src_desc())},
                    {DNNL_ARG_WEIGHTS, Filled(desc.weights_desc())},
                    {DNNL_ARG_DST, Filled(desc.dst_desc())}}) {}

  static memory Filled(const memory::desc& desc) {
    memory values(desc, plan::Engine());
    std::fill_n(static_cast<float*>(values.get_data_handle()), desc.get_size() / sizeof(float),
                0.5f);
    return values;
  }

  dnnl::convolution_forward primitive_;
  std::unordered_map<int, memory> arguments_;
};

double Gflop(const ConvolutionShape& shape) {
  return 2e-9 * 9 * shape.channels * shape.channels * shape.side * shape.side;
}

}  // namespace

double OnednnGflops(const ConvolutionShape& shape, int threads, int rounds) {
  RowPool pool(threads);
  std::vector<std::unique_ptr<Convolution>> convolutions;
  for (int i = 0; i < threads; ++i) convolutions.push_back(std::make_unique<Convolution>(shape));
  const int repeats = std::max(2, static_cast<int>(10 / Gflop(shape)));
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    pool.Run(threads, [&](int64_t thread) {
      for (int i = 0; i < repeats; ++i) convolutions[thread]->Run();
    });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    best = std::max(best, Gflop(shape) * repeats * threads / time.count());
  }
  return best;
}

std::vector<ConvolutionShape> PeakShapes() {
  return {{64, 32}, {64, 64}, {128, 32}, {128, 64}, {256, 16}, {256, 32}};
}

}  // namespace tweedie
