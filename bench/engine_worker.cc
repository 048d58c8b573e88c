// The core without a service, at the command of bench/harness (commands.h), so that it can time
// this and others in turns.
//
//   hello                          nothing: it is up
//   load DIR THREADS strict|fast [PRECISION]
//                                  puts a model on the CPU, as the server would; in float32
//                                  unless said
//   call ROWS COUNT                milliseconds of each of COUNT network calls
//   gradient ROWS COUNT            likewise, with the gradient of DPS' loss
//   loop KIND JOBS IMAGES STEPS    seconds of so many jobs (ddpm, ddim, dps) in a bare
//                                  engine: methods, scheduler and network
//   peak THREADS                   oneDNN's own convolutions, GFLOP/s by shape
#include <ATen/ATen.h>

#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/commands.h"
#include "bench/fail.h"
#include "bench/onednn_peak.h"
#include "bench/seconds.h"
#include "core/engine/engine.h"
#include "core/methods/make_method.h"
#include "core/weights/model.h"
#include "nlohmann/json.hpp"
#include "server/runner/device.h"

namespace tweedie {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

template <typename T>
T OrFail(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status().ToString());
  return *std::move(value);
}

// Keeps nothing; tells how jobs ended.
class EndSink final : public FrameSink {
 public:
  void OnStep(const JobId& /*id*/, const Method& /*method*/) override {}
  void OnDone(const JobId& id, const absl::Status& status, const Method& /*method*/) override {
    if (!status.ok()) Fail(absl::StrCat(id, ": ", status.ToString()));
  }
};

at::Tensor SquaredNorm(int64_t /*first_row*/, const at::Tensor& /*x*/, const at::Tensor& output) {
  return output.flatten(1).square().sum(1);
}

class Worker {
 public:
  Commands MakeCommands() {
    return {
        {"hello", [](std::istream&) { return json::object(); }},
        {"load", [this](std::istream& words) { return Load(words); }},
        {"call", [this](std::istream& words) { return Call(words); }},
        {"gradient", [this](std::istream& words) { return Gradient(words); }},
        {"loop", [this](std::istream& words) { return Loop(words); }},
        {"peak", [](std::istream& words) { return Peak(words); }},
    };
  }

 private:
  json Load(std::istream& words) {
    std::string dir, mode, precision;
    words >> dir >> device_.num_threads >> mode;
    if (!words.eof()) words >> precision;
    device_.precision = precision.empty() ? Precision::kFloat32 : OrFail(ParsePrecision(precision));
    if (absl::Status status = CheckDevice(device_); !status.ok()) Fail(status.ToString());
    device_.reproducibility = mode == "fast" ? Reproducibility::kFast : Reproducibility::kStrict;
    SetKernels(device_);
    denoiser_.reset();
    const auto begin = Clock::now();
    model_ = OrFail(LoadModel("model", dir));
    const double read = SecondsSince(begin);
    denoiser_ = OrFail(MakeDenoiser(*model_, device_, OrFail(ShareDevice(device_))));
    return {{"read_s", read},
            {"place_s", SecondsSince(begin) - read},
            {"parameters", model_->num_parameters}};
  }

  json Call(std::istream& words) {
    return TimeCalls(words, [this](const DenoiserInput& input) { denoiser_->Predict(input); });
  }

  json Gradient(std::istream& words) {
    return TimeCalls(words, [this](const DenoiserInput& input) {
      denoiser_->PredictWithGradient(input, SquaredNorm);
    });
  }

  json TimeCalls(std::istream& words, const std::function<void(const DenoiserInput&)>& call) {
    int64_t rows = 0, count = 0;
    words >> rows >> count;
    const auto [channels, height, width] = model_->diffusion->image_shape;
    const DenoiserInput input{
        at::randn({rows, channels, height, width}), at::full({rows}, 500, at::kLong), {}};
    std::vector<double> times;
    for (int64_t i = 0; i < count; ++i) {
      const auto begin = Clock::now();
      call(input);
      times.push_back(1e3 * SecondsSince(begin));
    }
    return {{"ms", times}};
  }

  json Loop(std::istream& words) {
    std::string kind;
    int jobs = 0, images = 0, steps = 0;
    words >> kind >> jobs >> images >> steps;
    EndSink sink;
    Engine engine(Engine::Options{}, &sink);
    const auto begin = Clock::now();
    for (int i = 0; i < jobs; ++i) {
      const absl::Status submitted = engine.Submit(MakeJob(kind, i, images, steps));
      if (!submitted.ok()) Fail(submitted.ToString());
    }
    int calls = 0;
    while (engine.StepOnce()) ++calls;
    return {{"seconds", SecondsSince(begin)}, {"calls", calls}};
  }

  EngineJob MakeJob(const std::string& kind, int number, int images, int steps) const {
    const auto& diffusion = model_->diffusion;
    TaskSpec spec;
    spec.seed = number;
    spec.task = MakeTask(kind, images, steps);
    spec = OrFail(ResolveTask(spec, *diffusion));
    EngineJob job;
    job.id = absl::StrCat("job-", number);
    job.creator = absl::StrCat("user-", number);
    job.method = OrFail(MakeMethod(spec, diffusion));
    job.denoiser = denoiser_.get();
    return job;
  }

  Task MakeTask(const std::string& kind, int images, int steps) const {
    ReverseProcessSpec process;
    process.num_steps = steps;
    if (kind == "dps") {
      DpsTask task;
      task.process = process;
      task.measurement.forward_operator = InpaintingSpec{InpaintingSpec::Random{0.5}};
      const auto [channels, height, width] = model_->diffusion->image_shape;
      task.measurement.simulate_from = at::rand({images, channels, height, width}).mul(2).sub(1);
      return task;
    }
    if (kind == "ddim") process.kind = ProcessKind::kDdim;
    return SampleTask{images, process};
  }

  static json Peak(std::istream& words) {
    int threads = 0;
    words >> threads;
    json shapes = json::object();
    for (const ConvolutionShape& shape : PeakShapes()) {
      shapes[absl::StrCat(shape.channels, " channels, ", shape.side, " x ", shape.side)] =
          OnednnGflops(shape, threads, 3);
    }
    return {{"gflops", shapes}};
  }

  DeviceOptions device_;
  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Denoiser> denoiser_;
};

}  // namespace
}  // namespace tweedie

int main() {
  tweedie::Worker worker;
  tweedie::Serve(worker.MakeCommands());
  return 0;
}
