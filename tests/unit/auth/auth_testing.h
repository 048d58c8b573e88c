#ifndef TWEEDIE_TESTS_UNIT_AUTH_AUTH_TESTING_H_
#define TWEEDIE_TESTS_UNIT_AUTH_AUTH_TESTING_H_

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"

namespace tweedie {

// An entry of a file of tokens, as JSON; `more` begins with a comma.
inline std::string TokenEntry(const std::string& name, const std::string& role,
                              const std::string& token, const std::string& more = "") {
  return absl::StrCat(R"({"name": ")", name, R"(", "role": ")", role, R"(", "token_sha256": ")",
                      Sha256Hex(token), "\"", more, "}");
}

inline std::string AccessText(const std::string& entries) {
  return absl::StrCat(R"({"entries": [)", entries, "]}");
}

// Writes in place, as an editor may.
inline void WriteText(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path, std::ios::trunc) << text;
  ASSERT_EQ(chmod(path.c_str(), mode), 0);
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_AUTH_AUTH_TESTING_H_
