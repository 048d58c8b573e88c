#ifndef TWEEDIE_SERVER_HTTP_JSON_H_
#define TWEEDIE_SERVER_HTTP_JSON_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tweedie {

// The messages of tweedie.v1 as JSON: proto3's mapping, with the field names of the
// protos (which errors name too) and on one line. All thread-safe.

std::string ToJson(const google::protobuf::Message& message);

// Reads `json` into `message`; names of fields in either spelling. INVALID_ARGUMENT,
// saying where, if it is no JSON or not that message. An empty text is {}.
absl::Status FromJson(absl::string_view json, google::protobuf::Message& message);

// Sets the field `path` (`filter.states`, `filter.labels.KEY`) from the text of a query
// parameter; of repeated fields it adds one. INVALID_ARGUMENT that names the path.
absl::Status SetField(absl::string_view path, const std::string& value,
                      google::protobuf::Message& message);

// A refusal as HTTP has it.
struct HttpError {
  int code = 500;
  std::string json;  // google.rpc.Status, with the details
  std::optional<absl::Duration> retry_after;
};

// The HTTP status of a gRPC code, as google/rpc/code.proto has it.
int HttpStatusOf(int grpc_code);

HttpError ToHttpError(const grpc::Status& status);
HttpError ToHttpError(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_JSON_H_
