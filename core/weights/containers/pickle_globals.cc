#include "core/weights/containers/pickle_globals.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

using Kind = PickleKind;
using Ids = std::vector<PickleId>;

// Storage classes follow, by their ElementType.
enum Global : int64_t {
  kOrderedDict,
  kRebuildTensorV2,
  kRebuildTensor,
  kRebuildParameter,
  kUntypedStorage,
  kDevice,
  kSize,
  kTypedStorages,
};

struct Name {
  absl::string_view module;
  absl::string_view name;
};
constexpr Name kNames[] = {{"collections", "OrderedDict"},
                           {"torch._utils", "_rebuild_tensor_v2"},
                           {"torch._utils", "_rebuild_tensor"},
                           {"torch._utils", "_rebuild_parameter"},
                           {"torch.storage", "UntypedStorage"},
                           {"torch", "device"},
                           {"torch", "Size"}};

constexpr size_t kMaxDimensions = 8;
constexpr size_t kMaxKeyBytes = 1024;

absl::Status Invalid(absl::string_view problem) { return absl::InvalidArgumentError(problem); }

bool HasKinds(const PickleMachine& machine, const Ids& ids, const std::vector<Kind>& kinds) {
  if (ids.size() < kinds.size()) return false;
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (machine.at(ids[i]).kind != kinds[i]) return false;
  }
  return true;
}

// Python 2 gives an OrderedDict as a list of pairs, Python 3 sets them later.
absl::Status MakeOrderedDict(PickleMachine& machine, const Ids& args) {
  Ids pairs;
  if (args.size() > 1 || (args.size() == 1 && machine.at(args[0]).kind != Kind::kList)) {
    return Invalid("an OrderedDict of other arguments than () or a list of pairs");
  }
  if (args.size() == 1) {
    for (const PickleId id : machine.at(args[0]).ids()) {
      const PickleValue& pair = machine.at(id);
      const bool is_pair =
          (pair.kind == Kind::kList || pair.kind == Kind::kTuple) && pair.ids().size() == 2;
      if (!is_pair) return Invalid("an OrderedDict of what is no list of pairs");
      pairs.insert(pairs.end(), pair.ids().begin(), pair.ids().end());
    }
  }
  return machine.PushContainer(Kind::kDict, std::move(pairs));
}

absl::StatusOr<std::vector<int64_t>> Integers(const PickleMachine& machine, PickleId tuple) {
  std::vector<int64_t> numbers;
  const Ids& ids = machine.at(tuple).ids();
  if (ids.size() > kMaxDimensions) return Invalid("a tensor of more than 8 dimensions");
  for (const PickleId id : ids) {
    if (machine.at(id).kind != Kind::kInt || machine.at(id).integer() < 0) {
      return Invalid("a tensor whose sizes and strides are not all numbers from 0");
    }
    numbers.push_back(machine.at(id).integer());
  }
  return numbers;
}

// Whether all elements lie in a storage of `limit`, which they do not outnumber.
bool Fits(const PickledTensor& tensor, int64_t limit) {
  int64_t count = 1, last = tensor.offset;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    int64_t step = 0;
    if (__builtin_mul_overflow(count, std::max<int64_t>(tensor.shape[i], 1), &count)) return false;
    if (tensor.shape[i] == 0) continue;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step)) return false;
    if (__builtin_add_overflow(last, step, &last)) return false;
  }
  const bool empty = std::count(tensor.shape.begin(), tensor.shape.end(), 0) > 0;
  return empty ? tensor.offset <= limit : last < limit && count <= limit;
}

absl::Status RebuildTensor(PickleMachine& machine, const Ids& args, size_t least, size_t most) {
  if (args.size() < least || args.size() > most ||
      !HasKinds(machine, args, {Kind::kStorage, Kind::kInt, Kind::kTuple, Kind::kTuple})) {
    return Invalid("a tensor of other arguments than torch.save gives");
  }
  PickledTensor tensor{.storage = static_cast<size_t>(machine.at(args[0]).integer()),
                       .offset = machine.at(args[1]).integer(),
                       .shape = {},
                       .strides = {}};
  ASSIGN_OR_RETURN(tensor.shape, Integers(machine, args[2]));
  ASSIGN_OR_RETURN(tensor.strides, Integers(machine, args[3]));
  const PickledStorage& storage = machine.object().storages[tensor.storage];
  if (!storage.type) return Invalid("a tensor in an UntypedStorage");
  if (tensor.offset < 0 || tensor.strides.size() != tensor.shape.size() ||
      !Fits(tensor, storage.num_elements)) {
    return Invalid(absl::StrCat(
        "a tensor of shape [", absl::StrJoin(tensor.shape, ", "), "], strides [",
        absl::StrJoin(tensor.strides, ", "), "] and offset ", tensor.offset, " in storage '",
        absl::Utf8SafeCEscape(storage.key), "' of ", storage.num_elements, " elements"));
  }
  return machine.PushTensor(std::move(tensor));
}

// Puts the first argument in place of the call.
absl::Status KeepFirst(PickleMachine& machine, const Ids& args, std::initializer_list<Kind> kinds) {
  const bool known =
      !args.empty() && std::count(kinds.begin(), kinds.end(), machine.at(args[0]).kind) > 0;
  if (!known) return Invalid("a call with other arguments than torch.save gives");
  machine.PushId(args[0]);
  return absl::OkStatus();
}

// Whether a persistent id has the form that torch.save gives it.
absl::Status CheckPersistentId(const PickleMachine& machine, const PickleValue& tuple) {
  if (tuple.kind != Kind::kTuple ||
      !HasKinds(machine, tuple.ids(),
                {Kind::kString, Kind::kGlobal, Kind::kString, Kind::kString, Kind::kInt}) ||
      machine.at(tuple.ids()[0]).text() != "storage") {
    return Invalid("a persistent id that is not ('storage', class, key, location, elements)");
  }
  const Ids& ids = tuple.ids();
  if (ids.size() > 6 || (ids.size() == 6 && machine.at(ids[5]).kind != Kind::kNone)) {
    return Invalid("a persistent id of a storage that is part of another");
  }
  const int64_t global = machine.at(ids[1]).integer();
  if (global < kTypedStorages && global != kUntypedStorage) {
    return Invalid("a persistent id whose class is no storage");
  }
  if (machine.at(ids[2]).text().size() <= kMaxKeyBytes) return absl::OkStatus();
  return Invalid("a storage whose key has over 1024 bytes");
}

}  // namespace

std::optional<int64_t> FindPickleGlobal(absl::string_view module, absl::string_view name) {
  for (int64_t i = 0; i < kTypedStorages; ++i) {
    if (kNames[i].module == module && kNames[i].name == name) return i;
  }
  const auto type = ElementTypeOfStorage(name);
  if (module != "torch" || !type) return std::nullopt;
  return kTypedStorages + static_cast<int64_t>(*type);
}

absl::Status ReduceGlobal(PickleMachine& machine) {
  ASSIGN_OR_RETURN(const Ids call, machine.PopSeveral(2));
  if (!HasKinds(machine, call, {Kind::kGlobal, Kind::kTuple})) {
    return Invalid("a call of what is no global");
  }
  const Ids& args = machine.at(call[1]).ids();
  switch (machine.at(call[0]).integer()) {
    case kOrderedDict:
      return MakeOrderedDict(machine, args);
    case kRebuildTensorV2:
      return RebuildTensor(machine, args, 6, 7);
    case kRebuildTensor:
      return RebuildTensor(machine, args, 4, 4);
    case kRebuildParameter:
      return KeepFirst(machine, args, {Kind::kTensor});
    case kDevice:
      return KeepFirst(machine, args, {Kind::kString});
    case kSize:
      return KeepFirst(machine, args, {Kind::kTuple});
    default:
      return Invalid("a call of a storage class");
  }
}

absl::Status LoadPersistentId(PickleMachine& machine) {
  ASSIGN_OR_RETURN(const PickleId id, machine.Pop());
  RETURN_IF_ERROR(CheckPersistentId(machine, machine.at(id)));
  const Ids& ids = machine.at(id).ids();
  PickledStorage storage{.key = machine.at(ids[2]).text(),
                         .type = std::nullopt,
                         .num_elements = machine.at(ids[4]).integer()};
  const int64_t global = machine.at(ids[1]).integer();
  if (global != kUntypedStorage) storage.type = static_cast<ElementType>(global - kTypedStorages);
  int64_t bytes = storage.type ? ElementBytes(*storage.type) : 1;
  if (storage.num_elements < 0 || __builtin_mul_overflow(storage.num_elements, bytes, &bytes)) {
    return Invalid(absl::StrCat("a storage of ", storage.num_elements, " elements"));
  }
  return machine.PushStorage(std::move(storage));
}

}  // namespace tweedie
