#ifndef TWEEDIE_SERVER_TLS_FILE_STATE_H_
#define TWEEDIE_SERVER_TLS_FILE_STATE_H_

#include <string>
#include <vector>

namespace tweedie {

// What tells whether files have changed, without reading them: which file each path leads
// to (through links), its size and its times. Equal for equal files; also a file that is
// not there has a state.
std::vector<std::string> StatesOf(const std::vector<std::string>& paths);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TLS_FILE_STATE_H_
