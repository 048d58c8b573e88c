#include "core/weights/folder_state.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file_state.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 1000;
constexpr int kMaxDepth = 2;

std::string DescribeFile(const std::string& path) {
  return absl::StrCat(path, " ", StateOfFile(path));
}

void AddFiles(const std::string& folder, int depth, std::vector<std::string>& lines) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator() && lines.size() < kMaxFiles;
       entry.increment(error)) {
    std::error_code unknown;
    if (!entry->is_directory(unknown)) {
      lines.push_back(DescribeFile(entry->path().string()));
    } else if (depth < kMaxDepth) {
      AddFiles(entry->path().string(), depth + 1, lines);
    }
  }
  if (error) lines.push_back(absl::StrCat(folder, " error ", error.value()));
}

void AddFilesOfStem(const fs::path& file, std::vector<std::string>& lines) {
  std::error_code error;
  fs::directory_iterator entry(file.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().stem() == file.stem()) lines.push_back(DescribeFile(entry->path().string()));
  }
  if (error) lines.push_back(absl::StrCat(file.string(), " error ", error.value()));
}

}  // namespace

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string DescribeFiles(const std::string& path) {
  std::vector<std::string> lines;
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    AddFilesOfStem(path, lines);
  } else {
    AddFiles(path, 1, lines);
  }
  std::sort(lines.begin(), lines.end());
  return absl::StrJoin(lines, "\n");
}

}  // namespace tweedie
