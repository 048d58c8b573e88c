#ifndef TWEEDIE_SERVER_HTTP_PAGE_FILES_H_
#define TWEEDIE_SERVER_HTTP_PAGE_FILES_H_

#include <cstddef>
#include <vector>

namespace tweedie {

// A file of the dashboard, server/http/dashboard, as it lies in the binary.
struct PageFile {
  const char* path;  // of its URL, as a regular expression
  const char* type;  // Content-Type
  const char* etag;  // in quotes
  const char* data;
  size_t size;
};

// All of them, which live as long as the process. Made by embed.cmake.
const std::vector<PageFile>& PageFiles();

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_PAGE_FILES_H_
