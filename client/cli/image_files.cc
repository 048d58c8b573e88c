#include "client/cli/image_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/local_file.h"
#include "client/cli/pictures.h"
#include "client/cli/statistics.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

namespace fs = std::filesystem;

bool HasImageName(const fs::path& path) {
  const std::string extension = absl::AsciiStrToLower(path.extension().string());
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;  // what cannot be looked at is no image file
    if (HasImageName(it->path()) && it->is_regular_file(ignored)) files.push_back(it->path());
  }
  if (error) return LocalFileError(folder, error.message());
  if (files.empty()) return LocalFileError(folder, "no PNG or JPEG files in this folder");
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<Image> Decode(const std::string& file, const std::string& bytes) {
  absl::StatusOr<Image> image = DecodeImage(bytes);
  if (!image.ok()) return LocalFileError(file, image.status().message());
  return image;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FindImageFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> found, ListFolder(path));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

absl::StatusOr<v1::Images> ReadImages(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FindImageFiles(paths));
  v1::Images images;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(std::string bytes, ReadLocalFile(file));
    // The server could only say which one of them is wrong by its number.
    RETURN_IF_ERROR(Decode(file, bytes).status());
    images.mutable_encoded()->add_files(std::move(bytes));
  }
  return images;
}

absl::StatusOr<std::vector<Image>> DecodeImages(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FindImageFiles(paths));
  std::vector<Image> images;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(file));
    ASSIGN_OR_RETURN(Image image, Decode(file, bytes));
    images.push_back(std::move(image));
  }
  return images;
}

absl::StatusOr<Array> ReadPictures(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FindImageFiles(paths));
  ASSIGN_OR_RETURN(const std::vector<Image> images, DecodeImages(files));
  std::vector<Array> arrays;
  for (size_t i = 0; i < images.size(); ++i) {
    arrays.push_back(ToArray(images[i]));
    if (arrays.back().shape != arrays.front().shape) {
      return LocalFileError(files[i], absl::StrCat("its size or channels differ from ", files[0]));
    }
  }
  return Stack(arrays);
}

}  // namespace tweedie::cli
