#ifndef TWEEDIE_SERVER_HTTP_REQUEST_BODY_H_
#define TWEEDIE_SERVER_HTTP_REQUEST_BODY_H_

#include <httplib.h>

#include <string>

#include "absl/status/statusor.h"
#include "core/base/budget.h"

namespace tweedie {

// A body, and its place in a budget.
struct Body {
  std::string text;
  Budget::Held place;
};

// Reads what a request carries; empty if it carries none. UNAVAILABLE if `budget` has
// no room, INVALID_ARGUMENT if its length is not said or it is coded. What is refused is
// read to its end, or the connection would end, perhaps before the refusal is read.
absl::StatusOr<Body> ReadBody(const httplib::Request& request,
                              const httplib::ContentReader& content, Budget& budget);

// Reads what a request carries, and forgets it.
void DiscardBody(const httplib::Request& request, const httplib::ContentReader& content);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_REQUEST_BODY_H_
