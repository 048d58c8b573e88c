#ifndef TWEEDIE_TESTS_TESTING_TEMP_FOLDER_H_
#define TWEEDIE_TESTS_TESTING_TEMP_FOLDER_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/base/ids.h"

namespace tweedie {

// An empty folder of its own, removed at the end.
class TempFolder {
 public:
  TempFolder() : path_(::testing::TempDir() + "tweedie-" + RandomId(12)) {
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  const std::string path_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_TEMP_FOLDER_H_
