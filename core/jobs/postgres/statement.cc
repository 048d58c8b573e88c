#include "core/jobs/postgres/statement.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::postgres {
namespace {

// Of pg_type: they never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;

}  // namespace

void PgStatement::BindInt(int64_t value) {
  parameters_.push_back({kInt8, false, absl::StrCat(value)});
}

void PgStatement::BindText(absl::string_view text) {
  parameters_.push_back({kText, true, std::string(text)});
}

void PgStatement::BindBlob(absl::string_view bytes) {
  parameters_.push_back({kBytea, true, std::string(bytes)});
}

void PgStatement::BindNull() { parameters_.push_back({}); }

absl::StatusOr<bool> PgStatement::Step() {
  if (result_ == nullptr) {
    ASSIGN_OR_RETURN(result_, connection_->Query(sql_, parameters_));
  }
  return ++row_ < PQntuples(result_.get());
}

// Big-endian, of 2, 4 or 8 bytes.
int64_t PgStatement::Int(int column) const {
  const std::string bytes = Bytes(column);
  if (bytes.empty()) return 0;
  uint64_t value = (bytes[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return static_cast<int64_t>(value);
}

std::string PgStatement::Bytes(int column) const {
  const int length = PQgetlength(result_.get(), row_, column);
  return std::string(PQgetvalue(result_.get(), row_, column), static_cast<size_t>(length));
}

bool PgStatement::IsNull(int column) const { return PQgetisnull(result_.get(), row_, column) != 0; }

}  // namespace tweedie::postgres
