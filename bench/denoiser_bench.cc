// One network call, each row alone: by its plan, and by its modules on single-threaded
// kernels (strict); against one batched call on all threads (fast), in the same run; and
// what gradients cost in either.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/plan/planned_denoiser.h"
#include "core/weights/model.h"

namespace tweedie {
namespace {

int NumThreads() { return static_cast<int>(std::thread::hardware_concurrency()); }

// The default model, or the one in the folder TWEEDIE_BENCH_MODEL.
const LoadedModel& Model() {
  static const auto* const model = [] {
    const char* given = std::getenv("TWEEDIE_BENCH_MODEL");
    const std::string path = given ? given : TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32";
    return new std::shared_ptr<const LoadedModel>(LoadModel("model", path).value());
  }();
  return **model;
}

at::Tensor SquaredNorm(int64_t /*first_row*/, const at::Tensor& /*x*/, const at::Tensor& output) {
  return output.flatten(1).square().sum(1);
}

void Run(benchmark::State& state, Denoiser& denoiser, bool gradient = false) {
  const int64_t rows = state.range(0);
  const auto [channels, height, width] = Model().diffusion->image_shape;
  const DenoiserInput input{
      at::randn({rows, channels, height, width}), at::full({rows}, 500, at::kLong), {}};
  for (auto _ : state) {
    if (gradient) {
      benchmark::DoNotOptimize(denoiser.PredictWithGradient(input, SquaredNorm));
    } else {
      benchmark::DoNotOptimize(denoiser.Predict(input));
    }
  }
  state.counters["rows/s"] = benchmark::Counter(static_cast<double>(state.iterations() * rows),
                                                benchmark::Counter::kIsRate);
}

void Strict(benchmark::State& state) {
  at::set_num_threads(1);
  RowParallelDenoiser denoiser(Model().network, std::make_shared<RowPool>(NumThreads()));
  Run(state, denoiser);
}

void RunPlanned(benchmark::State& state, bool gradient) {
  at::set_num_threads(1);
  const auto [channels, height, width] = Model().diffusion->image_shape;
  const auto denoiser =
      PlannedDenoiser::Make(std::dynamic_pointer_cast<nn::UnetImpl>(Model().network),
                            std::make_shared<RowPool>(NumThreads()), {height, width}, {});
  Run(state, **denoiser, gradient);
}

void Planned(benchmark::State& state) { RunPlanned(state, false); }
void PlannedGradient(benchmark::State& state) { RunPlanned(state, true); }

void Fast(benchmark::State& state) {
  at::set_num_threads(NumThreads());
  UnetDenoiser denoiser(Model().network, at::kCPU);
  Run(state, denoiser);
}

void StrictGradient(benchmark::State& state) {
  at::set_num_threads(1);
  RowParallelDenoiser denoiser(Model().network, std::make_shared<RowPool>(NumThreads()));
  Run(state, denoiser, true);
}

void FastGradient(benchmark::State& state) {
  at::set_num_threads(NumThreads());
  UnetDenoiser denoiser(Model().network, at::kCPU);
  Run(state, denoiser, true);
}

BENCHMARK(Strict)->Arg(1)->Arg(2)->Arg(8)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Planned)->Arg(1)->Arg(2)->Arg(8)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Fast)->Arg(1)->Arg(2)->Arg(8)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(PlannedGradient)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(StrictGradient)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(FastGradient)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tweedie

BENCHMARK_MAIN();
