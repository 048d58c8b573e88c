#ifndef TWEEDIE_TESTS_GOLDEN_METHODS_GOLDEN_FILE_H_
#define TWEEDIE_TESTS_GOLDEN_METHODS_GOLDEN_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/weights/safetensors.h"

namespace tweedie {

// Reads tests/golden/methods/v1/`name`, which tools/golden/methods.py wrote.
inline absl::StatusOr<TensorFile> ReadGolden(const std::string& name) {
  ASSIGN_OR_RETURN(
      const std::string bytes,
      ReadFile(absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/methods/v1/", name), 1 << 20));
  return ParseSafetensors(bytes);
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_GOLDEN_METHODS_GOLDEN_FILE_H_
