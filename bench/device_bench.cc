// Whether a device computes what the CPU does, and how fast: for each precision the
// deviation of a network's call and of whole jobs from the CPU's in float32, and the time
// of calls of each size, recorded and not. Exit code 1: a deviation is beyond its limit;
// 2: it could not run. scripts/check-gpu runs it.
#include <ATen/ATen.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/device/bucketed_denoiser.h"
#include "core/device/cpu_step_device.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/methods/make_method.h"
#include "core/metrics/psnr.h"
#include "core/weights/model.h"
#include "server/runner/bucketed_model.h"
#include "server/runner/device.h"
#include "tests/testing/run_method.h"

namespace tweedie {
namespace {

constexpr int64_t kImages = 4;  // of a job
constexpr int kSteps = 50;

struct Options {
  std::string device = "cuda:0";
  std::string model = TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32";
  std::vector<std::string> precisions = {"float32", "tf32", "bfloat16", "float16"};
  int max_rows = 64;
  double seconds = 0.5;  // of each measured call
};

// The largest ||device - CPU|| / ||CPU|| of a call that is no error: some ten times the
// rounding of a sum by such numbers. Not yet seen on a GPU.
double Limit(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return 1e-4;
    case Precision::kTf32:
    case Precision::kFloat16:
      return 1e-2;
    case Precision::kBfloat16:
      return 8e-2;
  }
  return 0;
}

// A model on a device, by a network of its own.
struct Placed {
  std::shared_ptr<const LoadedModel> model;
  std::unique_ptr<Denoiser> denoiser;
};

absl::StatusOr<Placed> Place(const Options& options, const DeviceOptions& device,
                             const SharedDevice& shared) {
  Placed placed;
  ASSIGN_OR_RETURN(placed.model, LoadModel("model", options.model));
  SetKernels(device);
  if (shared.steps == nullptr) {
    ASSIGN_OR_RETURN(placed.denoiser, MakeDenoiser(*placed.model, device, shared));
    return placed;
  }
  const BucketOptions buckets = {device.precision, device.max_batch_rows};
  ASSIGN_OR_RETURN(placed.denoiser, MakeBucketedDenoiser(*placed.model, buckets, shared.steps));
  return placed;
}

DenoiserInput RandomRows(const DiffusionModel& model, int64_t rows) {
  const auto [channels, height, width] = model.image_shape;
  at::manual_seed(1);
  DenoiserInput input = {at::randn({rows, channels, height, width}),
                         at::randint(1, model.schedule.num_timesteps(), {rows}, at::kLong),
                         {}};
  if (model.num_classes > 0) input.class_labels = at::randint(0, model.num_classes, {rows});
  return input;
}

absl::StatusOr<at::Tensor> RunJob(const TaskSpec& given, const Placed& placed) {
  ASSIGN_OR_RETURN(const TaskSpec task, ResolveTask(given, *placed.model->diffusion));
  ASSIGN_OR_RETURN(const std::unique_ptr<Method> method, MakeMethod(task, placed.model->diffusion));
  RETURN_IF_ERROR(RunMethod(*method, *placed.denoiser));
  return method->x().clone();
}

TaskSpec WithLabels(Task task, const DiffusionModel& model) {
  TaskSpec spec;
  spec.task = std::move(task);
  spec.seed = 1;
  if (model.num_classes > 0) spec.class_labels = {0};
  return spec;
}

TaskSpec Sampling(const DiffusionModel& model) {
  SampleTask task;
  task.num_images = kImages;
  task.process.kind = ProcessKind::kDdim;
  task.process.num_steps = kSteps;
  return WithLabels(task, model);
}

// Of images of which a random half of the pixels is missing.
TaskSpec Restoring(const at::Tensor& images, const DiffusionModel& model) {
  DpsTask task;
  task.measurement.forward_operator = InpaintingSpec{InpaintingSpec::Random{0.5}};
  task.measurement.simulate_from = images;
  task.process.num_steps = kSteps;
  return WithLabels(task, model);
}

double WorstPsnr(const at::Tensor& images, const at::Tensor& reference) {
  double worst = std::numeric_limits<double>::infinity();
  const auto pixels = [](const at::Tensor& all, int64_t image) {
    return absl::MakeConstSpan(all[image].const_data_ptr<float>(), all[image].numel());
  };
  for (int64_t i = 0; i < images.size(0); ++i) {
    worst = std::min(worst, Psnr(pixels(images, i), pixels(reference, i)));
  }
  return worst;
}

double Largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

// What the CPU makes of the same, in float32.
struct Expected {
  DenoiserInput rows;
  at::Tensor call, sampled, restored;
};

absl::StatusOr<Expected> ByCpu(const Options& options) {
  DeviceOptions device;
  device.num_threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  ASSIGN_OR_RETURN(const SharedDevice shared, ShareDevice(device));
  ASSIGN_OR_RETURN(const Placed placed, Place(options, device, shared));
  const DiffusionModel& model = *placed.model->diffusion;
  Expected expected;
  expected.rows = RandomRows(model, 8);
  expected.call = placed.denoiser->Predict(expected.rows);
  ASSIGN_OR_RETURN(expected.sampled, RunJob(Sampling(model), placed));
  ASSIGN_OR_RETURN(expected.restored, RunJob(Restoring(expected.sampled, model), placed));
  return expected;
}

// Prints a line of the first table. Whether the device may be trusted.
absl::StatusOr<bool> Compare(const Placed& placed, Precision precision, const Expected& expected) {
  const at::Tensor call = placed.denoiser->Predict(expected.rows);
  const at::Tensor wrong = call.sub(expected.call);
  const double error = wrong.norm().div(expected.call.norm()).item<double>();
  const DiffusionModel& model = *placed.model->diffusion;
  ASSIGN_OR_RETURN(const at::Tensor sampled, RunJob(Sampling(model), placed));
  ASSIGN_OR_RETURN(const at::Tensor restored, RunJob(Restoring(expected.sampled, model), placed));
  const bool good = error <= Limit(precision);  // not if it is NaN
  std::printf("| %s | %.1e | %.0e | %.1e | %.1f | %.1e | %.1f | %.1e | %s |\n",
              std::string(PrecisionName(precision)).c_str(), error, Limit(precision),
              Largest(wrong), WorstPsnr(sampled, expected.sampled),
              Largest(sampled.sub(expected.sampled)), WorstPsnr(restored, expected.restored),
              Largest(restored.sub(expected.restored)), good ? "yes" : "NO");
  return good;
}

// Of a call, in milliseconds.
double MedianTime(double seconds, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<double> times;
  while (times.size() < 5 || Clock::now() < end) {
    const auto begin = Clock::now();
    call();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

// Lines of the second table.
void Measure(const Options& options, const Placed& placed, Precision precision,
             StepDevice& device) {
  const auto& bucketed = dynamic_cast<const BucketedDenoiser&>(*placed.denoiser);
  UnetDenoiser eager(placed.model->network, device.device(), precision);
  double first = 0;
  for (const int64_t rows : bucketed.buckets()) {
    const DenoiserInput input = RandomRows(*placed.model->diffusion, rows);
    const double graph = MedianTime(options.seconds, [&] { placed.denoiser->Predict(input); });
    const double plain =
        MedianTime(options.seconds, [&] { device.Run([&] { eager.Predict(input); }); });
    if (first == 0) first = graph / static_cast<double>(rows);
    const double row = graph / static_cast<double>(rows);
    std::printf("| %s | %ld | %.3f | %.0f | %.3f | %.2f | %.2f |\n",
                std::string(PrecisionName(precision)).c_str(), static_cast<long>(rows), graph,
                1000 / row, plain, plain / graph, first / row);
  }
}

absl::StatusOr<bool> Run(const Options& options) {
  std::vector<Precision> precisions;
  for (const std::string& name : options.precisions) {
    ASSIGN_OR_RETURN(const Precision precision, ParsePrecision(name));
    precisions.push_back(precision);
  }
  DeviceOptions device;
  device.device = options.device;
  device.reproducibility = Reproducibility::kFast;
  device.max_batch_rows = options.max_rows;
  for (const Precision precision : precisions) {
    device.precision = precision;
    RETURN_IF_ERROR(CheckDevice(device));
  }
  ASSIGN_OR_RETURN(const Expected expected, ByCpu(options));
  ASSIGN_OR_RETURN(SharedDevice shared, ShareDevice(device));
  // Without a GPU its twin shows that this program works.
  if (shared.steps == nullptr) shared.steps = std::make_shared<CpuStepDevice>();
  std::printf(
      "\nAgainst the CPU in float32: a call of 8 rows; %ld images by DDIM and by DPS, %d "
      "steps (PSNR of the worst, and the largest difference of a pixel)\n\n",
      static_cast<long>(kImages), kSteps);
  std::printf(
      "| precision | call: relative error | limit | largest | DDIM: PSNR | largest | DPS: "
      "PSNR | largest | good |\n|---|---|---|---|---|---|---|---|---|\n");
  bool good = true;
  std::vector<Placed> all;
  for (const Precision precision : precisions) {
    device.precision = precision;
    ASSIGN_OR_RETURN(Placed placed, Place(options, device, shared));
    ASSIGN_OR_RETURN(const bool is_good, Compare(placed, precision, expected));
    good = good && is_good;
    all.push_back(std::move(placed));
  }
  std::printf(
      "\nA call of so many rows, from host to host (median)\n\n| precision | rows | ms | "
      "rows/s | without graph, ms | ratio | rows/s against 1 row |\n"
      "|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < precisions.size(); ++i) {
    device.precision = precisions[i];
    SetKernels(device);
    Measure(options, all[i], precisions[i], *shared.steps);
  }
  return good;
}

}  // namespace
}  // namespace tweedie

int main(int argc, char** argv) {
  tweedie::Options options;
  CLI::App app("Compares a device with the CPU, and measures it.", "device_bench");
  app.add_option("--device", options.device, "cuda:N; cpu is the twin of one")
      ->capture_default_str();
  app.add_option("--model", options.model, "Folder or file of weights");
  app.add_option("--precision", options.precisions, "Which, with commas between them")
      ->delimiter(',');
  app.add_option("--max-rows", options.max_rows, "Most rows of a call")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--seconds", options.seconds, "How long each call is measured")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const absl::StatusOr<bool> good = tweedie::Run(options);
    if (good.ok()) return *good ? 0 : 1;
    std::fprintf(stderr, "device_bench: %s\n", good.status().ToString().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "device_bench: %s\n", error.what());
  }
  return 2;
}
