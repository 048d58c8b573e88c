#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_MACHINE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/weights/containers/pickled_object.h"

namespace tweedie {

// The state of a running unpickler: values, a stack with marks, and a memo, all
// bounded. Errors are INVALID_ARGUMENT without the place, which the caller adds.
// Not thread-safe.
class PickleMachine {
 public:
  // Puts a new value on the stack.
  absl::Status Push(PickleKind kind, int64_t integer);
  absl::Status PushDouble(double value);
  absl::Status PushString(absl::string_view text);
  absl::Status PushContainer(PickleKind kind, std::vector<PickleId> ids);
  absl::Status PushStorage(PickledStorage storage);
  absl::Status PushTensor(PickledTensor tensor);
  // Puts a value that there is on it.
  void PushId(PickleId id) { stack_.push_back(id); }

  absl::Status Mark();
  // Takes the topmost value, which a mark may not cover.
  absl::StatusOr<PickleId> Pop();
  // Takes all above the topmost mark, and the mark.
  absl::StatusOr<std::vector<PickleId>> PopToMark();
  // The `count` topmost values, lowest first.
  absl::StatusOr<std::vector<PickleId>> PopSeveral(size_t count);
  // The topmost value, which stays.
  absl::StatusOr<PickleId> Top() const;

  // Adds to the list, or pairs to the dict, that is topmost.
  absl::Status Append(const std::vector<PickleId>& ids);
  absl::Status Set(const std::vector<PickleId>& pairs);
  // Adds pairs to the dict `id`.
  absl::Status SetIn(PickleId id, const std::vector<PickleId>& pairs);

  absl::Status Put(uint64_t index);
  absl::Status PutNext() { return Put(memo_.size()); }
  absl::Status Get(uint64_t index);

  // The one value that is left at the end.
  absl::StatusOr<PickledObject> Finish();

  const PickledObject& object() const { return object_; }
  const PickleValue& at(PickleId id) const { return object_.at(id); }

 private:
  absl::Status Charge(size_t bytes);
  absl::Status Add(PickleValue value, size_t bytes);
  absl::Status Extend(PickleId id, PickleKind kind, const std::vector<PickleId>& ids);
  absl::StatusOr<uint8_t> DepthAbove(const std::vector<PickleId>& ids) const;

  PickledObject object_;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::vector<PickleId> memo_;
  std::map<std::string, size_t> storages_;  // by key
  size_t charged_ = 0;                      // bytes, about
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_MACHINE_H_
