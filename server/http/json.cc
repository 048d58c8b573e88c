#include "server/http/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/retry.h"
#include "core/base/status_macros.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tweedie {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status NoValue(const std::string& value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("must be ", wanted, "; was '", value, "'"));
}

// Sets a field, or adds to it.
template <typename Value>
void Put(Message& message, const FieldDescriptor* field, Value value,
         void (Reflection::*set)(Message*, const FieldDescriptor*, Value) const,
         void (Reflection::*add)(Message*, const FieldDescriptor*, Value) const) {
  (message.GetReflection()->*(field->is_repeated() ? add : set))(&message, field, value);
}

template <typename Int>
absl::Status PutInt(Message& message, const FieldDescriptor* field, const std::string& value,
                    void (Reflection::*set)(Message*, const FieldDescriptor*, Int) const,
                    void (Reflection::*add)(Message*, const FieldDescriptor*, Int) const) {
  Int number = 0;
  if (!absl::SimpleAtoi(value, &number)) return NoValue(value, "a whole number");
  Put<Int>(message, field, number, set, add);
  return absl::OkStatus();
}

absl::Status PutEnum(Message& message, const FieldDescriptor* field, const std::string& value) {
  const EnumValueDescriptor* named = field->enum_type()->FindValueByName(value);
  if (named == nullptr) return NoValue(value, absl::StrCat("of ", field->enum_type()->name()));
  Put<const EnumValueDescriptor*>(message, field, named, &Reflection::SetEnum,
                                  &Reflection::AddEnum);
  return absl::OkStatus();
}

// As JSON has it: 0.1s.
absl::Status PutDuration(Message& message, const FieldDescriptor* field, const std::string& value) {
  google::protobuf::Duration duration;
  if (!google::protobuf::util::TimeUtil::FromString(value, &duration)) {
    return NoValue(value, "a duration such as 0.1s");
  }
  message.GetReflection()->MutableMessage(&message, field)->CopyFrom(duration);
  return absl::OkStatus();
}

absl::Status PutValue(Message& message, const FieldDescriptor* field, const std::string& value) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return PutInt<int32_t>(message, field, value, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return PutInt<int64_t>(message, field, value, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_ENUM:
      return PutEnum(message, field, value);
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool flag = false;
      if (!absl::SimpleAtob(value, &flag)) return NoValue(value, "true or false");
      Put<bool>(message, field, flag, &Reflection::SetBool, &Reflection::AddBool);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      Put<std::string>(message, field, value, &Reflection::SetString, &Reflection::AddString);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field->message_type() == google::protobuf::Duration::descriptor() &&
          !field->is_repeated()) {
        return PutDuration(message, field, value);
      }
      [[fallthrough]];
    default:
      return absl::InvalidArgumentError("cannot be given in a query");
  }
}

// Adds an entry to a map of strings.
absl::Status PutEntry(Message& message, const FieldDescriptor* field, absl::string_view key,
                      const std::string& value) {
  Message* entry = message.GetReflection()->AddMessage(&message, field);
  const Reflection* reflection = entry->GetReflection();
  reflection->SetString(entry, entry->GetDescriptor()->map_key(), std::string(key));
  return PutValue(*entry, entry->GetDescriptor()->map_value(), value);
}

absl::Status SetFieldAt(absl::string_view path, const std::string& value, Message& message) {
  const size_t dot = path.find('.');
  const absl::string_view rest =
      dot == absl::string_view::npos ? absl::string_view() : path.substr(dot + 1);
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no field of ", message.GetDescriptor()->name()));
  }
  if (field->is_map()) return PutEntry(message, field, rest, value);
  const bool descends =
      field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated();
  if (rest.empty()) return PutValue(message, field, value);
  if (!descends) return absl::InvalidArgumentError("has no fields of its own");
  return SetFieldAt(rest, value, *message.GetReflection()->MutableMessage(&message, field));
}

std::string StatusJson(int code, const std::string& message, const std::string& details) {
  google::rpc::Status status;
  if (details.empty() || !status.ParseFromString(details)) status.Clear();
  status.set_code(code);
  status.set_message(message);
  return ToJson(status);
}

std::optional<absl::Duration> RetryAfterOf(const std::string& details) {
  google::rpc::Status status;
  if (!status.ParseFromString(details)) return std::nullopt;
  google::rpc::RetryInfo retry;
  for (const auto& detail : status.details()) {
    if (detail.UnpackTo(&retry)) return absl::Seconds(retry.retry_delay().seconds());
  }
  return std::nullopt;
}

}  // namespace

std::string ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails for Any values of unknown types alone, which no server sends.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

absl::Status FromJson(absl::string_view json, Message& message) {
  if (absl::StripAsciiWhitespace(json).empty()) return absl::OkStatus();
  const auto read =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &message);
  if (read.ok()) return absl::OkStatus();
  const auto problem = read.message();
  return absl::InvalidArgumentError(
      absl::StrCat("the body is no JSON of ", message.GetDescriptor()->name(), ": ",
                   absl::string_view(problem.data(), problem.size())));
}

absl::Status SetField(absl::string_view path, const std::string& value, Message& message) {
  const absl::Status set = SetFieldAt(path, value, message);
  if (set.ok()) return set;
  return absl::InvalidArgumentError(absl::StrCat("the query's ", path, " ", set.message()));
}

int HttpStatusOf(int grpc_code) {
  switch (static_cast<absl::StatusCode>(grpc_code)) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

HttpError ToHttpError(const grpc::Status& status) {
  const int code = static_cast<int>(status.error_code());
  return {HttpStatusOf(code), StatusJson(code, status.error_message(), status.error_details()),
          RetryAfterOf(status.error_details())};
}

HttpError ToHttpError(const absl::Status& status) {
  const int code = static_cast<int>(status.code());
  return {HttpStatusOf(code), StatusJson(code, std::string(status.message()), ""),
          RetryDelayOf(status)};
}

}  // namespace tweedie
