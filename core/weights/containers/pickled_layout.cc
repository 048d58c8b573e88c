#include "core/weights/containers/pickled_layout.h"

#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/state_dict_choice.h"

namespace tweedie {
namespace {

absl::Status CheckStorage(const PickledStorage& storage,
                          const std::map<std::string, ByteRange>& ranges) {
  const int64_t bytes = storage.num_elements * (storage.type ? ElementBytes(*storage.type) : 1);
  const auto found = ranges.find(storage.key);
  const std::string name = absl::StrCat("storage '", absl::Utf8SafeCEscape(storage.key), "'");
  if (found == ranges.end()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is not in the file"));
  }
  if (found->second.bytes == bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has ", found->second.bytes, " bytes in the file; the pickle says ",
                   storage.num_elements, " elements, ", bytes, " bytes"));
}

}  // namespace

absl::StatusOr<FileLayout> MakePickledLayout(const PickledObject& object,
                                             const std::map<std::string, ByteRange>& ranges) {
  for (const PickledStorage& storage : object.storages) {
    RETURN_IF_ERROR(CheckStorage(storage, ranges));
  }
  ASSIGN_OR_RETURN(StateDictChoice choice, ChooseStateDict(object));
  FileLayout layout;
  std::map<size_t, size_t> places;  // of the object's storages among the layout's
  for (const auto& [name, index] : choice.tensors) {
    const PickledTensor& tensor = object.tensors[index];
    const auto [place, is_new] = places.emplace(tensor.storage, layout.storages.size());
    if (is_new) {
      const PickledStorage& storage = object.storages[tensor.storage];
      StorageLayout& added = layout.storages.emplace_back();
      added.range = ranges.at(storage.key);
      added.type = storage.type.value_or(added.type);  // no tensor lies in one without a type
    }
    layout.tensors.emplace(name, TensorLayout{.storage = place->second,
                                              .offset = tensor.offset,
                                              .shape = tensor.shape,
                                              .strides = tensor.strides});
  }
  layout.wrapper = std::move(choice.wrapper);
  layout.values = std::move(choice.values);
  layout.ignored = std::move(choice.ignored);
  return layout;
}

}  // namespace tweedie
