#ifndef TWEEDIE_CLIENT_CLI_ENVIRONMENT_H_
#define TWEEDIE_CLIENT_CLI_ENVIRONMENT_H_

#include <cstdlib>
#include <string>

namespace tweedie::cli {

// A variable of the environment; "" if it is not set.
inline std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_ENVIRONMENT_H_
