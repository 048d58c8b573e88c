#ifndef TWEEDIE_CORE_JOBS_POSTGRES_STATEMENT_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_STATEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/result.h"
#include "core/jobs/sql/database.h"

namespace tweedie::postgres {

// Collects parameters, runs the statement at the first step, and reads the rows
// that it got. Not thread-safe; the connection outlives it.
class PgStatement final : public sql::Statement::Impl {
 public:
  PgStatement(PgConnection* connection, absl::string_view sql)
      : connection_(connection), sql_(sql) {}

  void BindInt(int64_t value) override;
  void BindText(absl::string_view text) override;
  void BindBlob(absl::string_view bytes) override;
  void BindNull() override;
  absl::StatusOr<bool> Step() override;
  int64_t Int(int column) const override;
  std::string Bytes(int column) const override;
  bool IsNull(int column) const override;

 private:
  PgConnection* const connection_;
  const std::string sql_;
  std::vector<Parameter> parameters_;
  Result result_;
  int row_ = -1;
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_STATEMENT_H_
