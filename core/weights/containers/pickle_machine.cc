#include "core/weights/containers/pickle_machine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr size_t kMaxBytes = size_t{24} << 20;
constexpr size_t kMaxMemo = 1'000'000;
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxTensors = 100'000;
constexpr PickleId kNoValue = std::numeric_limits<PickleId>::max();

absl::Status Invalid(absl::string_view problem) { return absl::InvalidArgumentError(problem); }

}  // namespace

absl::Status PickleMachine::Charge(size_t bytes) {
  charged_ += bytes;
  if (charged_ <= kMaxBytes) return absl::OkStatus();
  return Invalid("its values need more than 24 MiB");
}

absl::Status PickleMachine::Add(PickleValue value, size_t bytes) {
  RETURN_IF_ERROR(Charge(sizeof(PickleValue) + bytes));
  stack_.push_back(static_cast<PickleId>(object_.values.size()));
  object_.values.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status PickleMachine::Push(PickleKind kind, int64_t integer) {
  return Add({.kind = kind, .depth = 0, .data = integer}, 0);
}

absl::Status PickleMachine::PushDouble(double value) {
  return Add({.kind = PickleKind::kDouble, .depth = 0, .data = value}, 0);
}

absl::Status PickleMachine::PushString(absl::string_view text) {
  return Add({.kind = PickleKind::kString, .depth = 0, .data = std::string(text)}, text.size());
}

absl::StatusOr<uint8_t> PickleMachine::DepthAbove(const std::vector<PickleId>& ids) const {
  size_t depth = 0;
  for (const PickleId id : ids) depth = std::max<size_t>(depth, at(id).depth);
  if (++depth > kMaxDepth) return Invalid("values are nested deeper than 64 levels");
  return static_cast<uint8_t>(depth);
}

absl::Status PickleMachine::PushContainer(PickleKind kind, std::vector<PickleId> ids) {
  ASSIGN_OR_RETURN(const uint8_t depth, DepthAbove(ids));
  const size_t bytes = ids.size() * sizeof(PickleId);
  return Add({.kind = kind, .depth = depth, .data = std::move(ids)}, bytes);
}

absl::Status PickleMachine::PushStorage(PickledStorage storage) {
  const auto [place, is_new] = storages_.emplace(storage.key, object_.storages.size());
  if (is_new) {
    if (object_.storages.size() == kMaxTensors) return Invalid("more than 100,000 storages");
    RETURN_IF_ERROR(Charge(2 * (sizeof(PickledStorage) + storage.key.size()) + 64));
    object_.storages.push_back(std::move(storage));
  } else if (const PickledStorage& first = object_.storages[place->second];
             first.type != storage.type || first.num_elements != storage.num_elements) {
    return Invalid(absl::StrCat("storage '", absl::Utf8SafeCEscape(storage.key),
                                "' is described twice, with another type or size"));
  }
  return Push(PickleKind::kStorage, static_cast<int64_t>(place->second));
}

absl::Status PickleMachine::PushTensor(PickledTensor tensor) {
  if (object_.tensors.size() == kMaxTensors) return Invalid("more than 100,000 tensors");
  RETURN_IF_ERROR(Charge(2 * sizeof(PickledTensor) + 16 * tensor.shape.size() + 32));
  object_.tensors.push_back(std::move(tensor));
  return Push(PickleKind::kTensor, static_cast<int64_t>(object_.tensors.size()) - 1);
}

absl::Status PickleMachine::Mark() {
  if (marks_.size() == kMaxDepth) return Invalid("more than 64 marks");
  marks_.push_back(stack_.size());
  return absl::OkStatus();
}

absl::StatusOr<PickleId> PickleMachine::Top() const {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) return Invalid("stack is empty");
  return stack_.back();
}

absl::StatusOr<PickleId> PickleMachine::Pop() {
  ASSIGN_OR_RETURN(const PickleId id, Top());
  stack_.pop_back();
  return id;
}

absl::StatusOr<std::vector<PickleId>> PickleMachine::PopSeveral(size_t count) {
  std::vector<PickleId> ids(count);
  while (count > 0) {
    ASSIGN_OR_RETURN(ids[--count], Pop());
  }
  return ids;
}

absl::StatusOr<std::vector<PickleId>> PickleMachine::PopToMark() {
  if (marks_.empty()) return Invalid("no mark is set");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> ids(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return ids;
}

absl::Status PickleMachine::Extend(PickleId id, PickleKind kind, const std::vector<PickleId>& ids) {
  PickleValue& value = object_.values[id];
  if (value.kind != kind) {
    return Invalid(kind == PickleKind::kList ? "adds to what is no list"
                                             : "sets in what is no dict");
  }
  ASSIGN_OR_RETURN(const uint8_t depth, DepthAbove(ids));
  value.depth = std::max(value.depth, depth);
  // Twice: a vector that grows one by one has room for as much again.
  RETURN_IF_ERROR(Charge(2 * ids.size() * sizeof(PickleId)));
  auto& own = std::get<std::vector<PickleId>>(value.data);
  own.insert(own.end(), ids.begin(), ids.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::Append(const std::vector<PickleId>& ids) {
  ASSIGN_OR_RETURN(const PickleId list, Top());
  return Extend(list, PickleKind::kList, ids);
}

absl::Status PickleMachine::Set(const std::vector<PickleId>& pairs) {
  ASSIGN_OR_RETURN(const PickleId dict, Top());
  return SetIn(dict, pairs);
}

absl::Status PickleMachine::SetIn(PickleId id, const std::vector<PickleId>& pairs) {
  if (pairs.size() % 2 != 0) return Invalid("sets a key without a value");
  return Extend(id, PickleKind::kDict, pairs);
}

absl::Status PickleMachine::Put(uint64_t index) {
  ASSIGN_OR_RETURN(const PickleId id, Top());
  if (index >= kMaxMemo) return Invalid("more than 1,000,000 memo entries");
  if (index >= memo_.size()) memo_.resize(index + 1, kNoValue);
  memo_[index] = id;
  return absl::OkStatus();
}

absl::Status PickleMachine::Get(uint64_t index) {
  if (index >= memo_.size() || memo_[index] == kNoValue) {
    return Invalid(absl::StrCat("memo entry ", index, " is not there"));
  }
  PushId(memo_[index]);
  return absl::OkStatus();
}

absl::StatusOr<PickledObject> PickleMachine::Finish() {
  if (!marks_.empty() || stack_.size() != 1) {
    return Invalid(absl::StrCat("leaves ", stack_.size(), " values and ", marks_.size(),
                                " marks where one value belongs"));
  }
  object_.root = stack_[0];
  return std::move(object_);
}

}  // namespace tweedie
