#ifndef TWEEDIE_CLIENT_CLI_JSON_H_
#define TWEEDIE_CLIENT_CLI_JSON_H_

#include <string>

#include "google/protobuf/message.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// protobuf's JSON on one line, with the fields' names as in the .proto files.
std::string ToJson(const google::protobuf::Message& message);

// An event without the bytes of a frame's images, which --frames writes.
std::string ToJson(v1::WatchJobResponse event);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_JSON_H_
