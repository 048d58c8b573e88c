#ifndef TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_
#define TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_

#include <string>

#include "tests/testing/sqlite_file.h"

namespace tweedie {

// What SQLite's own check says of a file: "ok", or what is wrong with it.
inline std::string SqliteIntegrity(const std::string& path) {
  const absl::StatusOr<std::string> answer = SqliteSql(path, "PRAGMA integrity_check");
  return answer.ok() ? *answer : answer.status().ToString();
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_
