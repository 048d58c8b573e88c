#ifndef TWEEDIE_TESTS_TESTING_SQLITE_FILE_H_
#define TWEEDIE_TESTS_TESTING_SQLITE_FILE_H_

#include <sqlite3.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace tweedie {

// Runs `statements` on the SQLite file at `path`, beside whoever else is at it.
// The first value of the last row; "" if there is none. INTERNAL says what SQLite
// says.
inline absl::StatusOr<std::string> SqliteSql(const std::string& path,
                                             const std::string& statements) {
  sqlite3* db = nullptr;
  std::string value;
  const auto first_column = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) = values[0];
    return 0;
  };
  absl::Status status;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK ||
      sqlite3_busy_timeout(db, 60000) != SQLITE_OK ||
      sqlite3_exec(db, statements.c_str(), first_column, &value, nullptr) != SQLITE_OK) {
    status = absl::InternalError(absl::StrCat(path, ": ", sqlite3_errmsg(db)));
  }
  sqlite3_close(db);
  if (!status.ok()) return status;
  return value;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_SQLITE_FILE_H_
