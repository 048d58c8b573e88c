#include "client/cli/json.h"

#include "google/protobuf/util/json_util.h"

namespace tweedie::cli {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for an Any of an unknown type; we have none.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

std::string ToJson(v1::WatchJobResponse event) {
  if (event.has_frame()) event.mutable_frame()->clear_images();
  return ToJson(static_cast<const google::protobuf::Message&>(event));
}

}  // namespace tweedie::cli
