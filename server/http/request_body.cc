#include "server/http/request_body.h"

#include "absl/strings/numbers.h"
#include "core/base/retry.h"

namespace tweedie {
namespace {

bool HasBody(const httplib::Request& request) {
  return request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
}

// The length that the header says; -1 if there is none.
int64_t LengthOf(const httplib::Request& request) {
  int64_t length = -1;
  const bool said = !request.has_header("Transfer-Encoding") &&
                    absl::SimpleAtoi(request.get_header_value("Content-Length"), &length);
  return said && length >= 0 ? length : -1;
}

}  // namespace

void DiscardBody(const httplib::Request& request, const httplib::ContentReader& content) {
  if (HasBody(request)) content([](const char*, size_t) { return true; });
}

absl::StatusOr<Body> ReadBody(const httplib::Request& request,
                              const httplib::ContentReader& content, Budget& budget) {
  if (!HasBody(request)) return Body();
  const int64_t length = LengthOf(request);
  Body body;
  if (length >= 0) body.place = budget.Take(length);
  if (body.place == nullptr || request.has_header("Content-Encoding")) {
    DiscardBody(request, content);
    if (length < 0) return absl::InvalidArgumentError("Content-Length must say the body's length");
    if (body.place != nullptr) return absl::InvalidArgumentError("the body must not be coded");
    return MayRetry(
        absl::UnavailableError("too many large requests at once; call again in a moment"));
  }
  body.text.reserve(static_cast<size_t>(length));
  const bool whole = content([&](const char* data, size_t size) {
    body.text.append(data, size);
    return true;
  });
  if (!whole) return absl::InvalidArgumentError("the body did not come whole");
  return body;
}

}  // namespace tweedie
