#ifndef TWEEDIE_SERVER_HTTP_REQUEST_BODY_H_
#define TWEEDIE_SERVER_HTTP_REQUEST_BODY_H_

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tweedie {

// A bound of something that requests hold together: bytes, or streams. Thread-safe.
class Budget {
 public:
  explicit Budget(int64_t most) : most_(most) {}

  // What is given back when it goes. Must not outlive the budget.
  using Held = std::shared_ptr<const void>;
  // Null if there is no room for `amount`.
  Held Take(int64_t amount);
  int64_t held() const { return held_; }

 private:
  const int64_t most_;
  std::atomic<int64_t> held_ = 0;
};

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
