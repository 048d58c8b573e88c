// What loading costs beside reading: a model of ddpm-256's shape (114 M parameters,
// random), cold (its pages dropped from the cache) and warm, against reading its file
// into memory and against reading it through a small buffer, in the same run.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "core/nn/unet.h"
#include "core/weights/diffusers_writer.h"
#include "core/weights/model.h"

namespace tweedie {
namespace {

nn::UnetConfig Ddpm256() {
  nn::UnetConfig config;
  config.sample_size = {256, 256};
  config.block_out_channels = {128, 128, 256, 256, 512, 512};
  config.down_block_types.assign(6, nn::BlockType::kPlain);
  config.down_block_types[4] = nn::BlockType::kAttention;
  config.up_block_types.assign(6, nn::BlockType::kPlain);
  config.up_block_types[1] = nn::BlockType::kAttention;
  config.freq_shift = 1;
  config.flip_sin_to_cos = false;
  config.downsample_padding = 0;
  config.norm_eps = 1e-6;
  config.attention_head_dim = std::nullopt;
  return config;
}

LoadedModel RandomModel() {
  const nn::UnetConfig config = Ddpm256();
  LoadedModel model;
  model.name = "ddpm-256";
  model.diffusion = std::make_shared<const DiffusionModel>(DiffusionModel{
      .image_shape = {3, 256, 256}, .schedule = NoiseSchedule::Create(SchedulerConfig()).value()});
  model.network = std::make_shared<nn::UnetImpl>(config);
  for (at::Tensor& parameter : model.network->parameters()) {
    parameter.set_data(at::randn(parameter.sizes()).mul_(0.02));
  }
  return model;
}

// The folder of the model, made once and removed at the end.
class ModelFolder {
 public:
  ModelFolder() {
    std::string name = std::filesystem::temp_directory_path() / "tweedie-load-XXXXXX";
    parent_ = mkdtemp(name.data());
    const absl::Status written = WriteDiffusersFolder(RandomModel(), path());
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", written.ToString().c_str());
      std::exit(1);
    }
    sync();  // dirty pages cannot be dropped
  }
  ~ModelFolder() { std::filesystem::remove_all(parent_); }

  std::string path() const { return parent_ + "/ddpm-256"; }
  std::string weights() const { return path() + "/diffusion_pytorch_model.safetensors"; }

 private:
  std::string parent_;
};

const ModelFolder& Folder() {
  static const ModelFolder folder;
  return folder;
}

// Drops the file from the page cache if the run is a cold one.
void Prepare(benchmark::State& state) {
  if (state.range(0) == 0) return;
  state.PauseTiming();
  const int fd = open(Folder().weights().c_str(), O_RDONLY);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
  state.ResumeTiming();
}

// Reads the file by pieces of `step` bytes, to one place or one after the other.
void Read(benchmark::State& state, bool keep, size_t step) {
  const auto size = static_cast<size_t>(std::filesystem::file_size(Folder().weights()));
  for (auto _ : state) {
    Prepare(state);
    const std::unique_ptr<char[]> memory(new char[keep ? size : step]);
    const int fd = open(Folder().weights().c_str(), O_RDONLY);
    ssize_t count = 0;
    for (size_t done = 0; done < size; done += static_cast<size_t>(count)) {
      count = read(fd, memory.get() + (keep ? done : 0), std::min(step, size - done));
      if (count <= 0) return state.SkipWithError("cannot read");
    }
    close(fd);
    benchmark::DoNotOptimize(memory.get());
  }
}

void ReadThrough(benchmark::State& state) { Read(state, false, 128 << 10); }
void ReadIntoMemory(benchmark::State& state) { Read(state, true, 4 << 20); }

void Load(benchmark::State& state) {
  for (auto _ : state) {
    Prepare(state);
    auto model = LoadModel("ddpm-256", Folder().path());
    if (!model.ok()) return state.SkipWithError(model.status().ToString().c_str());
    state.PauseTiming();  // letting go of the memory is not loading
    model = absl::CancelledError();
    state.ResumeTiming();
  }
}

#define TWEEDIE_LOAD_BENCHMARK(name) \
  BENCHMARK(name)->ArgName("cold")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond)
TWEEDIE_LOAD_BENCHMARK(ReadThrough);
TWEEDIE_LOAD_BENCHMARK(ReadIntoMemory);
TWEEDIE_LOAD_BENCHMARK(Load);

}  // namespace
}  // namespace tweedie

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  tweedie::Folder();
  benchmark::RunSpecifiedBenchmarks();
}
