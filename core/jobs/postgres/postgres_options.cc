#include "core/jobs/postgres/postgres_options.h"

#include <libpq-fe.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tweedie {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ParsedOptions = std::unique_ptr<PQconninfoOption, FreeOptions>;

// The value of `keyword`; empty if it is not given.
std::string ValueOf(const ParsedOptions& options, absl::string_view keyword) {
  if (options == nullptr) return "";
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->keyword == keyword && option->val != nullptr) return option->val;
  }
  return "";
}

ParsedOptions Parse(const std::string& connection) {
  return ParsedOptions(PQconninfoParse(connection.c_str(), nullptr));
}

}  // namespace

// libpq's own message would show parts of the text, and so of a password.
absl::Status CheckConnection(const std::string& connection) {
  if (Parse(connection) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the database is given by neither a postgresql:// URL nor keyword=value pairs");
}

bool HoldsPassword(const std::string& connection) {
  const ParsedOptions options = Parse(connection);
  return !ValueOf(options, "password").empty() || !ValueOf(options, "sslpassword").empty();
}

std::string DescribeDatabase(const std::string& connection) {
  const ParsedOptions options = Parse(connection);
  const std::string name = ValueOf(options, "dbname");
  const std::string host = ValueOf(options, "host");
  return absl::StrCat("PostgreSQL", name.empty() ? "" : ", database ", name,
                      host.empty() ? "" : ", at ", host);
}

}  // namespace tweedie
