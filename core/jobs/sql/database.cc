#include "core/jobs/sql/database.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::sql {

absl::Status Statement::Run() {
  ASSIGN_OR_RETURN(const bool row, Step());
  if (row) return absl::InternalError("database: a row where none was expected");
  return absl::OkStatus();
}

absl::StatusOr<Statement> Connection::QueryRow(absl::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::InternalError(absl::StrCat("database: no row from ", sql));
  return statement;
}

absl::StatusOr<std::string> Connection::QueryText(absl::string_view sql) {
  ASSIGN_OR_RETURN(const Statement row, QueryRow(sql));
  return row.Bytes(0);
}

absl::StatusOr<int64_t> Connection::QueryInt(absl::string_view sql) {
  ASSIGN_OR_RETURN(const Statement row, QueryRow(sql));
  return row.Int(0);
}

}  // namespace tweedie::sql
