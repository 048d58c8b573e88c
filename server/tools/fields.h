#ifndef TWEEDIE_SERVER_TOOLS_FIELDS_H_
#define TWEEDIE_SERVER_TOOLS_FIELDS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job.h"

namespace tweedie {

// Values by name, as text: a line `name=value` for each, bytes that are no printable
// ASCII escaped as in C. Names are ours. A value type.
class Fields {
 public:
  void Set(absl::string_view name, absl::string_view bytes);
  void SetInt(absl::string_view name, int64_t value);
  // Microseconds since 1970; nothing for the infinite times.
  void SetTime(absl::string_view name, absl::Time time);
  void SetBlob(absl::string_view name, const BlobRef& blob);
  std::string ToText() const;

  // INVALID_ARGUMENT for a line that is none, or a name that comes twice.
  static absl::StatusOr<Fields> FromText(absl::string_view text);
  // Each returns the value of `name`. One that is missing or malformed is recorded in
  // status(), the first of them, and read as empty.
  std::string Take(absl::string_view name);
  // As every database takes it: what is no UTF-8, and each NUL, is U+FFFD.
  std::string TakeText(absl::string_view name);
  int64_t TakeInt(absl::string_view name, int64_t min, int64_t max);
  absl::Time TakeTimeOr(absl::string_view name, absl::Time if_none);
  BlobRef TakeBlob(absl::string_view name);
  // All whose names begin with `prefix`, without it.
  std::map<std::string, std::string> TakeAll(absl::string_view prefix);
  bool Has(absl::string_view name) const { return values_.find(name) != values_.end(); }
  // INVALID_ARGUMENT as above, or if there are fields that nobody took.
  absl::Status End() const;

 private:
  void Record(absl::string_view name, absl::string_view problem);

  std::map<std::string, std::string, std::less<>> values_;
  absl::Status status_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_FIELDS_H_
