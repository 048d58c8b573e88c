// Unpickle() of any bytes, and ChooseStateDict() of what it makes.
#include "core/weights/containers/state_dict_choice.h"
#include "core/weights/containers/unpickler.h"
#include "tests/fuzz/check_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tweedie::MemoryFile file(absl::string_view(reinterpret_cast<const char*>(data), size));
  tweedie::StructureReader reader(&file);
  tweedie::SequentialReader source(&reader, 0, file.size(), 0);
  const auto object = tweedie::Unpickle(source);
  if (!object.ok()) return 0;
  const auto choice = tweedie::ChooseStateDict(*object);
  if (!choice.ok()) return 0;
  std::vector<std::string> names;
  for (const auto& [name, index] : choice->tensors) {
    tweedie::Require(index < object->tensors.size());
    names.push_back(name);
  }
  const auto renaming = tweedie::StripPrefixes(names);
  tweedie::Require(!renaming.ok() || renaming->names.size() <= names.size());
  return 0;
}
