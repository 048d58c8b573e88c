#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_ARGUMENTS_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_ARGUMENTS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/json_fields.h"

namespace tweedie {

// The arguments of a project's network and diffusion. What is not given takes the
// project's default, which the output holds before the call, and is noted as an
// assumption; what the weights tell is compared. Errors name the key. Not
// thread-safe.
class Arguments {
 public:
  // `project` is whose defaults are taken.
  Arguments(JsonFields values, std::string project)
      : values_(std::move(values)), project_(std::move(project)) {}

  bool Has(const char* key) const { return values_.Has(key); }
  absl::Status Bool(const char* key, bool* value);
  absl::Status Integer(const char* key, int64_t min, int64_t max, int64_t* value);
  absl::Status Number(const char* key, double min, double max, double* value);
  // `value` holds the default's meaning, `name` its name.
  template <typename E>
  absl::Status Enum(const char* key, const JsonFields::Names<E>& names, absl::string_view name,
                    E* value) {
    if (!Has(key)) AssumeDefault(key, name);
    return values_.Enum<E>(key, names, value);
  }

  // Refuses a value that is not what the weights say. Absent keys agree.
  absl::Status Agree(const char* key, int64_t of_weights);
  absl::Status Agree(const char* key, bool of_weights);
  // Refuses true, or false, where only the other is supported.
  absl::Status MustBe(const char* key, bool supported);
  // A whole number without a default.
  absl::Status Required(const char* key, int64_t min, int64_t max, int64_t* value);
  // The numbers of "N1,N2,..."; empty if the key is absent or its text empty.
  absl::StatusOr<std::vector<double>> List(const char* key);
  // What has no effect on inference.
  void Skip(std::initializer_list<const char*> keys);

  void Assume(absl::string_view assumption);
  // "KEY VALUE (PROJECT's default)".
  void AssumeDefault(absl::string_view key, absl::string_view value);
  JsonFields& values() { return values_; }
  // The assumptions; an error if there are keys that nobody has asked for.
  absl::StatusOr<std::vector<std::string>> Finish();

 private:
  JsonFields values_;
  const std::string project_;
  std::vector<std::string> assumptions_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_ARGUMENTS_H_
