#ifndef TWEEDIE_SERVER_RPC_TIMESTAMPS_H_
#define TWEEDIE_SERVER_RPC_TIMESTAMPS_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

#include "absl/time/time.h"

namespace tweedie {

// To the microsecond.
inline void SetTime(absl::Time time, google::protobuf::Timestamp& proto) {
  const int64_t micros = absl::ToUnixMicros(time);
  proto.set_seconds(micros / 1000000);
  proto.set_nanos(static_cast<int32_t>(micros % 1000000 * 1000));
}

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_TIMESTAMPS_H_
