#include "server/rpc/status_details.h"

#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/field_error.h"
#include "core/base/utf8.h"
#include "core/jobs/job_store.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tweedie {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);
// The message travels up to three times in the trailers, percent-encoded once,
// and clients take 8 KiB of them.
constexpr size_t kLongestMessage = 1024;

// At most kLongestMessage bytes of `message`, cut between characters.
std::string Shortened(std::string message) {
  if (message.size() <= kLongestMessage) return message;
  size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(message.substr(0, end), "...");
}

// `status` with a message that fits, and that is text: a field of a protobuf with other
// bytes, which files can put into errors, is refused by who reads it.
absl::Status Sendable(const absl::Status& status) {
  absl::Status sendable(status.code(), Shortened(ToUtf8(status.message())));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { sendable.SetPayload(url, payload); });
  return sendable;
}

std::optional<std::string> QuotaOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kQuotaPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

// After which the call may be made again; nullopt: not at all.
std::optional<absl::Duration> RetryAfter(const absl::Status& status) {
  const std::optional<absl::Duration> said = RetryDelayOf(status);
  const bool passes = absl::IsUnavailable(status) || QuotaOf(status).has_value();
  return said.has_value() || !passes ? said : kRetry;
}

std::string Reason(const absl::Status& status) {
  if (const auto quota = QuotaOf(status)) {
    return absl::StrCat(absl::StartsWith(*quota, "creator") ? "CREATOR_" : "",
                        absl::EndsWith(*quota, "watches") ? "WATCHES_FULL" : "QUEUE_FULL");
  }
  return absl::StatusCodeToString(status.code());
}

void AddBadRequest(const absl::Status& status, google::rpc::Status& details) {
  const std::optional<std::string> field = FieldOf(status);
  if (!field.has_value()) return;
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field(*field);
  violation->set_description(std::string(status.message()));
  details.add_details()->PackFrom(bad);
}

void AddQuotaFailure(const absl::Status& status, google::rpc::Status& details) {
  const std::optional<std::string> quota = QuotaOf(status);
  if (!quota.has_value()) return;
  google::rpc::QuotaFailure failure;
  auto* violation = failure.add_violations();
  violation->set_subject(*quota);
  violation->set_description(std::string(status.message()));
  details.add_details()->PackFrom(failure);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& full) {
  if (full.ok()) return grpc::Status::OK;
  const absl::Status status = Sendable(full);
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  AddBadRequest(status, details);
  AddQuotaFailure(status, details);
  google::rpc::ErrorInfo info;
  info.set_domain("tweedie");
  info.set_reason(Reason(status));
  details.add_details()->PackFrom(info);
  if (const std::optional<absl::Duration> after = RetryAfter(status)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(*after));
    details.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace tweedie
