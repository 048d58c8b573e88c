#ifndef TWEEDIE_CORE_JOBS_POSTGRES_SQL_TEXT_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_SQL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/jobs/job_store.h"

// How PostgreSQL writes things, for statements that take no parameters.
namespace tweedie::postgres {

// A name of a schema or a channel.
std::string QuotedIdentifier(absl::string_view name);
// A text.
std::string Literal(absl::string_view text);
// A statement whose parameters are `?`, with `$1`, `$2`, ... for them: no text of
// ours has one in a literal.
std::string Numbered(absl::string_view sql);

// The channel of the queue's news, and what they say: of cancelled and changed
// jobs one of the two. A payload takes kMaxChangedInAPayload jobs (it may have
// 8,000 bytes, and an id has 63).
inline constexpr size_t kMaxChangedInAPayload = 100;
std::string NewsChannel(absl::string_view schema);
std::string PayloadOf(const QueueNews& news);
QueueNews NewsOf(absl::string_view payload);

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_SQL_TEXT_H_
