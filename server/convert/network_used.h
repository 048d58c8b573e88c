#ifndef TWEEDIE_SERVER_CONVERT_NETWORK_USED_H_
#define TWEEDIE_SERVER_CONVERT_NETWORK_USED_H_

#include <string>

namespace tweedie {

// What a job's rows are evaluated by: on this its result depends, beside the task.
struct NetworkUsed {
  std::string weights_sha256;
  std::string precision;  // PrecisionName()
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_NETWORK_USED_H_
