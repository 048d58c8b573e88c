// The files of torch.save before PyTorch 1.6: five pickles, then the storages.
#include <map>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/little_endian.h"
#include "core/weights/containers/pickled_layout.h"
#include "core/weights/containers/unpickler.h"

namespace tweedie {
namespace {

constexpr int64_t kProtocol = 1001;
constexpr int64_t kCountBytes = 8;

// Reads the pickle at *offset, and moves it behind.
absl::StatusOr<PickledObject> TakePickle(StructureReader& file, int64_t* offset) {
  SequentialReader source(&file, *offset, file.size(), 0);
  ASSIGN_OR_RETURN(PickledObject object, Unpickle(source));
  *offset = source.offset();
  return object;
}

absl::Status TakeMagic(StructureReader& file, int64_t* offset) {
  SequentialReader source(&file, *offset, file.size(), 0);
  RETURN_IF_ERROR(UnpickleMagic(source));
  *offset = source.offset();
  return absl::OkStatus();
}

absl::Status CheckProtocol(const PickledObject& object) {
  const PickleValue& value = object.at(object.root);
  if (value.kind == PickleKind::kInt && value.integer() == kProtocol) return absl::OkStatus();
  return absl::InvalidArgumentError("the second pickle is not 1001, the protocol of torch.save");
}

absl::Status CheckSystem(const PickledObject& object) {
  bool little = false;
  if (object.Is(object.root, PickleKind::kDict)) {
    const std::vector<PickleId>& pairs = object.at(object.root).ids();
    for (size_t i = 0; i < pairs.size(); i += 2) {
      const PickleValue &key = object.at(pairs[i]), &value = object.at(pairs[i + 1]);
      if (key.kind == PickleKind::kString && key.text() == "little_endian") {
        little = value.kind == PickleKind::kBool && value.integer() != 0;
      }
    }
  }
  if (little) return absl::OkStatus();
  return absl::InvalidArgumentError("the third pickle does not say that little_endian is true");
}

// The bytes of a storage whose count of elements is at *offset, which moves behind.
absl::StatusOr<ByteRange> TakeStorage(StructureReader& file, const PickledStorage& storage,
                                      int64_t* offset) {
  ByteRange range;
  range.name = absl::StrCat("storage '", absl::Utf8SafeCEscape(storage.key), "'");
  range.bytes = storage.num_elements * (storage.type ? ElementBytes(*storage.type) : 1);
  ASSIGN_OR_RETURN(const std::string bytes, file.Read(*offset, kCountBytes));
  range.begin = *offset + kCountBytes;
  const uint64_t count = LittleEndian(bytes, 0, kCountBytes);
  if (count != static_cast<uint64_t>(storage.num_elements)) {
    return absl::InvalidArgumentError(absl::StrCat(range.name, " has ", count,
                                                   " elements in the file, ", storage.num_elements,
                                                   " in the pickle"));
  }
  if (range.bytes > file.size() - range.begin) {
    return absl::InvalidArgumentError(absl::StrCat(range.name, " needs ", range.bytes, " bytes; ",
                                                   file.size() - range.begin,
                                                   " are left: cut off"));
  }
  *offset = range.begin + range.bytes;
  return range;
}

// The storages that follow the pickles, in the order of the keys; they end the file.
absl::StatusOr<std::map<std::string, ByteRange>> LocateStorages(StructureReader& file,
                                                                const PickledObject& object,
                                                                const PickledObject& keys,
                                                                int64_t offset) {
  std::map<std::string, const PickledStorage*> storages;
  for (const PickledStorage& storage : object.storages) storages[storage.key] = &storage;
  if (!keys.Is(keys.root, PickleKind::kList)) {
    return absl::InvalidArgumentError("the fifth pickle is no list of storage keys");
  }
  std::map<std::string, ByteRange> ranges;
  for (const PickleId id : keys.at(keys.root).ids()) {
    const auto found =
        keys.Is(id, PickleKind::kString) ? storages.find(keys.at(id).text()) : storages.end();
    if (found == storages.end()) {
      return absl::InvalidArgumentError("the fifth pickle has the key of no storage, or one twice");
    }
    ASSIGN_OR_RETURN(ranges[found->first], TakeStorage(file, *found->second, &offset));
    storages.erase(found);
  }
  if (offset == file.size()) return ranges;
  return absl::InvalidArgumentError(
      absl::StrCat(file.size() - offset, " bytes follow the last storage"));
}

}  // namespace

absl::StatusOr<FileLayout> ReadTorchLegacyLayout(StructureReader& file) {
  int64_t offset = 0;
  RETURN_IF_ERROR(TakeMagic(file, &offset));
  ASSIGN_OR_RETURN(const PickledObject protocol, TakePickle(file, &offset));
  RETURN_IF_ERROR(CheckProtocol(protocol));
  ASSIGN_OR_RETURN(const PickledObject system, TakePickle(file, &offset));
  RETURN_IF_ERROR(CheckSystem(system));
  ASSIGN_OR_RETURN(const PickledObject object, TakePickle(file, &offset));
  ASSIGN_OR_RETURN(const PickledObject keys, TakePickle(file, &offset));
  ASSIGN_OR_RETURN(const auto ranges, LocateStorages(file, object, keys, offset));
  ASSIGN_OR_RETURN(FileLayout layout, MakePickledLayout(object, ranges));
  layout.container = "torch legacy";
  return layout;
}

}  // namespace tweedie
