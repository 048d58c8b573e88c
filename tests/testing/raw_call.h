#ifndef TWEEDIE_TESTS_TESTING_RAW_CALL_H_
#define TWEEDIE_TESTS_TESTING_RAW_CALL_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

namespace tweedie {

// Calls `method` (`/tweedie.v1.Tweedie/GetJob`, say) with a request of any bytes, and
// returns how it ended. Of a stream at most `most_messages` are read; then it is
// cancelled, and OK is returned.
grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request, std::chrono::milliseconds patience,
                     int most_messages = 1000);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RAW_CALL_H_
