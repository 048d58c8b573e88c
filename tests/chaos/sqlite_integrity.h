#ifndef TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_
#define TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_

#include <sqlite3.h>

#include <string>

namespace tweedie {

// What SQLite's own check says of a file: "ok", or what is wrong with it.
inline std::string SqliteIntegrity(const std::string& path) {
  sqlite3* db = nullptr;
  std::string answer;
  const auto first_column = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) = values[0];
    return 0;
  };
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK ||
      sqlite3_exec(db, "PRAGMA integrity_check", first_column, &answer, nullptr) != SQLITE_OK) {
    answer = sqlite3_errmsg(db);
  }
  sqlite3_close(db);
  return answer;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_SQLITE_INTEGRITY_H_
