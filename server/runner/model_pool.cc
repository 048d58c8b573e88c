#include "server/runner/model_pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

std::string Mebibytes(int64_t bytes) { return absl::StrCat((bytes + (1 << 20) - 1) >> 20, " MiB"); }

// Only its slot holds it.
bool IsIdle(const std::shared_ptr<const ModelPool::Resident>& resident) {
  return resident.use_count() == 1;
}

// Models on their way out of memory: freed where this ends, outside of the lock that
// is taken after it.
class Unloaded {
 public:
  ~Unloaded() {
    if (models_.empty()) return;
    models_.clear();
    ReturnFreeMemory();
  }
  void Add(std::shared_ptr<const ModelPool::Resident> model) {
    models_.push_back(std::move(model));
  }

 private:
  std::vector<std::shared_ptr<const ModelPool::Resident>> models_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ModelPool>> ModelPool::Open(const std::string& dir, Options options,
                                                           const Clock* clock) {
  RETURN_IF_ERROR(CheckDevice(options.device));
  SetKernelThreads(options.device);
  auto pool = std::unique_ptr<ModelPool>(new ModelPool(std::move(options), clock));
  absl::MutexLock lock(&pool->load_mu_);
  ASSIGN_OR_RETURN(pool->models_,
                   ModelRepository::Open(dir, [&](const std::string& name, auto read) {
                     pool->load_mu_.AssertHeld();
                     return pool->Offer(name, std::move(read));
                   }));
  return pool;
}

std::vector<std::string> ModelPool::Available() const {
  const std::vector<ModelRepository::Entry> entries = models_->entries();
  absl::MutexLock lock(&mu_);
  const int64_t room = options_.max_bytes - BusyBytes();
  std::vector<std::string> names;
  for (const ModelRepository::Entry& entry : entries) {
    if (slots_.count(entry->name) > 0) names.push_back(entry->name);
    // Of those with an error there are no weights to read any more.
    if (slots_.count(entry->name) > 0 || !entry->error.ok()) continue;
    const auto bytes = bytes_.find(entry->name);
    if (bytes == bytes_.end()) continue;  // gone meanwhile
    if (options_.max_bytes == 0 || bytes->second <= room) names.push_back(entry->name);
  }
  return names;
}

bool ModelPool::IsResident(const std::string& name) const {
  absl::MutexLock lock(&mu_);
  return slots_.count(name) > 0;
}

std::vector<ModelPool::Shared> ModelPool::InMemory() const {
  absl::MutexLock lock(&mu_);
  std::vector<Shared> networks;
  for (const auto& [name, slot] : slots_) networks.push_back(slot.resident);
  return networks;
}

std::optional<int64_t> ModelPool::KnownBytes(const std::string& name) const {
  absl::MutexLock lock(&mu_);
  const auto known = bytes_.find(name);
  if (known == bytes_.end()) return std::nullopt;
  return known->second;
}

ModelPool::Shared ModelPool::Use(const std::string& name) {
  absl::MutexLock lock(&mu_);
  const auto it = slots_.find(name);
  if (it == slots_.end()) return nullptr;
  it->second.last_use = clock_->Steady();
  return it->second.resident;
}

absl::StatusOr<ModelPool::Shared> ModelPool::Acquire(const std::string& name) {
  if (Shared resident = Use(name)) return resident;
  absl::MutexLock lock(&load_mu_);
  if (Shared resident = Use(name)) return resident;  // meanwhile
  const ModelRepository::Entry entry = models_->Find(name);
  const std::optional<int64_t> bytes = KnownBytes(name);
  if (entry == nullptr || entry->model == nullptr || !bytes) {
    return absl::NotFoundError(absl::StrCat("no model models/", name));
  }
  // Before its weights are read, so that there never are more in memory.
  RETURN_IF_ERROR(MakeRoom(*bytes));
  ASSIGN_OR_RETURN(std::shared_ptr<const LoadedModel> model, models_->ReadWeights(name));
  return Place(std::move(model));
}

absl::Status ModelPool::Offer(const std::string& name, ModelRepository::Read read) {
  const absl::Status status = read.ok() ? TakeIn(*std::move(read)) : read.status();
  if (!status.ok()) {
    spdlog::error("model=models/{} state={}: {}", name,
                  IsResident(name) ? "READY as it was" : "FAILED", status.ToString());
  }
  return status;
}

absl::Status ModelPool::TakeIn(std::shared_ptr<const LoadedModel> model) {
  const int64_t bytes = WeightBytes(*model, options_.device);
  if (options_.max_bytes > 0 && bytes > options_.max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("its weights take ", Mebibytes(bytes), ", more than the ",
                     Mebibytes(options_.max_bytes), " of all models"));
  }
  {
    Unloaded before;
    absl::MutexLock lock(&mu_);
    bytes_[model->name] = bytes;
    if (const auto slot = slots_.find(model->name); slot != slots_.end()) before.Add(TakeOut(slot));
  }
  // Others do not make room for it: no job needs it yet.
  if (!HasRoom(bytes)) return absl::OkStatus();
  return Place(std::move(model)).status();
}

absl::StatusOr<ModelPool::Shared> ModelPool::Place(std::shared_ptr<const LoadedModel> model) {
  ASSIGN_OR_RETURN(std::unique_ptr<Denoiser> denoiser,
                   MakeDenoiser(*model, options_.device, rows_));
  const int64_t bytes = WeightBytes(*model, options_.device);
  auto resident =
      std::make_shared<const Resident>(Resident{std::move(model), std::move(denoiser), bytes});
  const std::string& name = resident->model->name;
  spdlog::info("model=models/{} state=READY dialect={} parameters={} sha256={} from {}", name,
               resident->model->dialect, resident->model->num_parameters,
               resident->model->weights_sha256, resident->model->origin);
  for (const std::string& assumption : resident->model->assumptions) {
    spdlog::warn("model=models/{} assumed: {}", name, assumption);
  }
  absl::MutexLock lock(&mu_);
  slots_[name] = {resident, clock_->Steady()};
  return resident;
}

bool ModelPool::HasRoom(int64_t bytes) const {
  absl::MutexLock lock(&mu_);
  return Fits(bytes);
}

absl::Status ModelPool::MakeRoom(int64_t bytes) {
  Unloaded unloaded;
  absl::MutexLock lock(&mu_);
  while (!Fits(bytes)) {
    const auto idle = LongestIdle();
    if (idle == slots_.end()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("other models are in use: no room for ", Mebibytes(bytes), " of weights"));
    }
    unloaded.Add(TakeOut(idle));
  }
  return absl::OkStatus();
}

absl::Status ModelPool::Look() {
  absl::MutexLock lock(&load_mu_);
  const absl::Status looked = models_->Look([this](const std::string& name, auto read) {
    load_mu_.AssertHeld();
    return Offer(name, std::move(read));
  });
  UnloadForgotten();
  UnloadIdle();
  ReclaimRetired();
  return looked;
}

void ModelPool::UnloadForgotten() {
  Unloaded unloaded;
  absl::MutexLock lock(&mu_);
  for (auto it = slots_.begin(); it != slots_.end();) {
    const auto slot = it++;
    if (models_->Find(slot->first) == nullptr) unloaded.Add(TakeOut(slot));
  }
  std::erase_if(bytes_, [&](const auto& item) { return models_->Find(item.first) == nullptr; });
}

void ModelPool::UnloadIdle() {
  Unloaded unloaded;
  absl::MutexLock lock(&mu_);
  const absl::Time now = clock_->Steady();
  for (auto& [name, slot] : slots_) {
    if (!IsIdle(slot.resident)) slot.last_use = now;
  }
  for (auto it = LongestIdle(); it != slots_.end() && now - it->second.last_use >= options_.idle;
       it = LongestIdle()) {
    unloaded.Add(TakeOut(it));
  }
}

void ModelPool::ReclaimRetired() {
  const auto gone = [](const std::weak_ptr<const Resident>& old) { return old.expired(); };
  size_t freed = 0;
  {
    absl::MutexLock lock(&mu_);
    const auto first = std::remove_if(retired_.begin(), retired_.end(), gone);
    freed = static_cast<size_t>(retired_.end() - first);
    retired_.erase(first, retired_.end());
  }
  if (freed > 0) ReturnFreeMemory();
}

ModelPool::Slots::iterator ModelPool::LongestIdle() {
  auto longest = slots_.end();
  for (auto it = slots_.begin(); it != slots_.end(); ++it) {
    if (!IsIdle(it->second.resident)) continue;
    if (longest == slots_.end() || it->second.last_use < longest->second.last_use) longest = it;
  }
  return longest;
}

ModelPool::Shared ModelPool::TakeOut(Slots::iterator slot) {
  Shared resident = std::move(slot->second.resident);
  slots_.erase(slot);
  spdlog::info("model=models/{} sha256={} is unloaded{}", resident->model->name,
               resident->model->weights_sha256,
               IsIdle(resident) ? "" : " once its jobs have ended");
  if (!IsIdle(resident)) retired_.push_back(resident);
  return resident;
}

bool ModelPool::Fits(int64_t bytes) const {
  return options_.max_bytes == 0 || Bytes() + bytes <= options_.max_bytes;
}

int64_t ModelPool::Bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, slot] : slots_) bytes += slot.resident->weight_bytes;
  for (const auto& old : retired_) {
    if (const Shared resident = old.lock()) bytes += resident->weight_bytes;
  }
  return bytes;
}

int64_t ModelPool::BusyBytes() const {
  int64_t idle = 0;
  for (const auto& [name, slot] : slots_) {
    idle += IsIdle(slot.resident) ? slot.resident->weight_bytes : 0;
  }
  return Bytes() - idle;
}

}  // namespace tweedie
