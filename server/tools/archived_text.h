#ifndef TWEEDIE_SERVER_TOOLS_ARCHIVED_TEXT_H_
#define TWEEDIE_SERVER_TOOLS_ARCHIVED_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job_archive.h"

namespace tweedie {

// What a file of an exported queue says of a job and of a request id, and back
// (INVALID_ARGUMENT, naming the field). Neither the place in the store nor a lease
// travels along. Texts come back as every database takes them: an older queue may hold
// a NUL, which is U+FFFD then.
std::string ToText(const ArchivedJob& job);
std::string ToText(const SpentRequest& request);
absl::StatusOr<ArchivedJob> JobFromText(absl::string_view text);
absl::StatusOr<SpentRequest> RequestFromText(absl::string_view text);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_ARCHIVED_TEXT_H_
