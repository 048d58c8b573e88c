#include "core/weights/dialects/arguments.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxListLength = 1000;

absl::string_view Name(bool value) { return value ? "true" : "false"; }

absl::Status Disagreement(const char* key, absl::string_view said, absl::string_view of_weights) {
  return FieldError(key, absl::StrCat("is ", said, ", but the weights say ", of_weights));
}

}  // namespace

void Arguments::Assume(absl::string_view assumption) { assumptions_.emplace_back(assumption); }

void Arguments::AssumeDefault(absl::string_view key, absl::string_view value) {
  Assume(absl::StrCat(key, " ", value, " (", project_, "'s default)"));
}

absl::Status Arguments::Bool(const char* key, bool* value) {
  if (!Has(key)) AssumeDefault(key, Name(*value));
  return values_.Bool(key, value);
}

absl::Status Arguments::Integer(const char* key, int64_t min, int64_t max, int64_t* value) {
  if (!Has(key)) AssumeDefault(key, absl::StrCat(*value));
  return values_.Integer(key, min, max, value);
}

absl::Status Arguments::Number(const char* key, double min, double max, double* value) {
  if (!Has(key)) AssumeDefault(key, absl::StrCat(*value));
  return values_.Number(key, min, max, value);
}

absl::Status Arguments::Agree(const char* key, int64_t of_weights) {
  int64_t value = of_weights;
  RETURN_IF_ERROR(values_.Integer(key, 0, kMax, &value));
  if (value == of_weights) return absl::OkStatus();
  return Disagreement(key, absl::StrCat(value), absl::StrCat(of_weights));
}

absl::Status Arguments::Agree(const char* key, bool of_weights) {
  bool value = of_weights;
  RETURN_IF_ERROR(values_.Bool(key, &value));
  if (value == of_weights) return absl::OkStatus();
  return Disagreement(key, Name(value), Name(of_weights));
}

absl::Status Arguments::MustBe(const char* key, bool supported) {
  bool value = supported;
  RETURN_IF_ERROR(values_.Bool(key, &value));
  if (value == supported) return absl::OkStatus();
  return FieldError(key, absl::StrCat(Name(value), " is not supported"));
}

absl::Status Arguments::Required(const char* key, int64_t min, int64_t max, int64_t* value) {
  if (!Has(key)) return FieldError(key, "must be given: the weights do not tell");
  return values_.Integer(key, min, max, value);
}

absl::StatusOr<std::vector<double>> Arguments::List(const char* key) {
  std::string text;
  RETURN_IF_ERROR(values_.Text(key, &text));
  std::vector<double> numbers;
  if (text.empty()) return numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    double number = 0;
    if (numbers.size() >= kMaxListLength || !absl::SimpleAtod(part, &number) || !(number > 0)) {
      return FieldError(key, absl::StrCat("must be numbers above 0 with commas between; was ",
                                          text.substr(0, 80)));
    }
    numbers.push_back(number);
  }
  return numbers;
}

void Arguments::Skip(std::initializer_list<const char*> keys) {
  for (const char* key : keys) values_.Skip(key);
}

absl::StatusOr<std::vector<std::string>> Arguments::Finish() {
  RETURN_IF_ERROR(values_.CheckAllRead());
  return std::move(assumptions_);
}

}  // namespace tweedie
