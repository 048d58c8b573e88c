#ifndef TWEEDIE_CORE_WEIGHTS_FOLDER_STATE_H_
#define TWEEDIE_CORE_WEIGHTS_FOLDER_STATE_H_

#include <string>

namespace tweedie {

// Whether there is something at `path`; false, too, if that cannot be told. Thread-safe.
bool Exists(const std::string& path);

// Which files a folder and its folders hold, or a file and those beside it with the
// same stem, with their sizes, times of change and
// inodes: two that are equal hold the same files, unless somebody sets clocks back.
// Nothing is read. What cannot be looked at is described by its error. At most 1,000
// files and two levels; links are followed. Thread-safe.
std::string DescribeFiles(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_FOLDER_STATE_H_
