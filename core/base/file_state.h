#ifndef TWEEDIE_CORE_BASE_FILE_STATE_H_
#define TWEEDIE_CORE_BASE_FILE_STATE_H_

#include <string>

namespace tweedie {

// What tells whether a file has changed, without reading it: which file `path` leads to
// (through links), its size, and its times of modification and of change, as the former
// stays when the mode changes. A file that cannot be looked at has a state too: its
// error. Thread-safe.
std::string StateOfFile(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_FILE_STATE_H_
