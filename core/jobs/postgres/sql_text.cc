#include "core/jobs/postgres/sql_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tweedie::postgres {
namespace {

constexpr char kCancelled[] = "cancelled ";
constexpr char kChanged[] = "changed ";
constexpr size_t kMaxNameBytes = 63;

}  // namespace

std::string QuotedIdentifier(absl::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

// As an E'' string, which reads the same whatever standard_conforming_strings is.
std::string Literal(absl::string_view text) {
  std::string literal = "E'";
  for (const char c : text) literal.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return literal + "'";
}

std::string Numbered(absl::string_view sql) {
  std::string numbered;
  int parameter = 0;
  for (const char c : sql) {
    if (c == '?') {
      absl::StrAppend(&numbered, "$", ++parameter);
    } else {
      numbered.push_back(c);
    }
  }
  return numbered;
}

std::string NewsChannel(absl::string_view schema) {
  return absl::StrCat(schema, "_news").substr(0, kMaxNameBytes);
}

std::string PayloadOf(const QueueNews& news) {
  if (!news.changed.empty()) return absl::StrCat(kChanged, absl::StrJoin(news.changed, " "));
  return news.cancelled.empty() ? "queued" : absl::StrCat(kCancelled, news.cancelled);
}

QueueNews NewsOf(absl::string_view payload) {
  QueueNews news;
  if (absl::ConsumePrefix(&payload, kCancelled)) news.cancelled = std::string(payload);
  if (absl::ConsumePrefix(&payload, kChanged)) news.changed = absl::StrSplit(payload, ' ');
  return news;
}

}  // namespace tweedie::postgres
