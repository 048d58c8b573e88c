#include "server/runner/cost_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "server/runner/call_timer.h"

namespace tweedie {
namespace {

// One call a time. False once there is nothing more to do.
bool MeasureSome(CallTimer& timer, const ModelPool::Resident& network) {
  const absl::StatusOr<bool> goes_on = timer.MeasureOne();
  if (goes_on.ok() && *goes_on) return true;
  absl::StatusOr<BatchSizes> sizes = goes_on.ok() ? timer.Sizes() : goes_on.status();
  if (sizes.ok()) {
    network.sizes->Set(*std::move(sizes));
  } else {
    spdlog::warn("model=models/{} calls keep the sizes of the options: {}", network.model->name,
                 sizes.status().ToString());
  }
  ReturnFreeMemory();
  return false;
}

}  // namespace

CostKeeper::CostKeeper(Options options, const ModelPool* models, EngineThread* engine)
    : options_(std::move(options)), models_(models), engine_(engine) {}

bool CostKeeper::Knows(const Network& network) const {
  return std::any_of(known_.begin(), known_.end(),
                     [&](const Known& known) { return known.network.lock() == network; });
}

CostKey CostKeeper::KeyOf(const ModelPool::Resident& network) const {
  CostKey key = options_.key;
  key.weights_sha256 = network.model->weights_sha256;
  return key;
}

void CostKeeper::Look() {
  for (const Network& network : models_->InMemory()) {
    if (!Knows(network)) TakeUp(network);
  }
  for (Known& known : known_) {
    const Network network = known.network.lock();
    if (network == nullptr || known.is_kept) continue;
    const std::shared_ptr<const BatchSizes> sizes = network->sizes->Get();
    if (sizes == nullptr) continue;
    Keep(*network, *sizes);
    known.is_kept = true;
  }
  known_.erase(std::remove_if(known_.begin(), known_.end(),
                              [](const Known& known) { return known.network.expired(); }),
               known_.end());
}

void CostKeeper::TakeUp(const Network& network) {
  const bool recalled = Recall(*network);
  known_.push_back({network, recalled});
  if (!recalled) Measure(network);
}

bool CostKeeper::Recall(const ModelPool::Resident& network) const {
  if (options_.folder.empty()) return false;
  absl::StatusOr<BatchSizes> sizes = ReadCostFile(options_.folder, KeyOf(network));
  if (sizes.ok()) {
    network.sizes->Set(*std::move(sizes));
    return true;
  }
  if (!absl::IsNotFound(sizes.status())) {
    spdlog::info("{}: what calls cost is measured anew: {}",
                 CostFileName(options_.folder, KeyOf(network)), sizes.status().ToString());
  }
  return false;
}

void CostKeeper::Measure(const Network& network) const {
  const auto timer =
      std::make_shared<CallTimer>(network->denoiser.get(), network->model->diffusion.get(),
                                  CallTimer::Options{.max_rows = options_.key.max_rows});
  engine_->RunBetweenSteps([timer, network] { return MeasureSome(*timer, *network); });
}

void CostKeeper::Keep(const ModelPool::Resident& network, const BatchSizes& sizes) const {
  spdlog::info("model=models/{} calls have {} rows, {} with gradients, which cost {:.2f}",
               network.model->name, sizes.MaxRows(false, 0), sizes.MaxRows(true, 0),
               sizes.gradient_row_cost());
  if (options_.folder.empty()) return;
  const absl::Status written = WriteCostFile(options_.folder, KeyOf(network), sizes);
  if (!written.ok()) spdlog::warn("what calls cost is not kept: {}", written.ToString());
}

}  // namespace tweedie
