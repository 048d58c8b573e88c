#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_JSON_FIELDS_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_JSON_FIELDS_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"

namespace tweedie {

// The keys of one JSON object, read strictly: a value of the wrong type or out
// of range is INVALID_ARGUMENT that names key, rule and value. Reading a key
// that is absent leaves the output, which holds the default, as it is. Not
// thread-safe.
class JsonFields {
 public:
  // The names that an enumeration's values have in the file.
  template <typename E>
  using Names = std::vector<std::pair<const char*, E>>;

  // Refuses what is no object, more than 1 MiB, deeper than 8 levels, and keys
  // that repeat. Python's Infinity and NaN are read as null.
  static absl::StatusOr<JsonFields> Parse(absl::string_view bytes);
  JsonFields(JsonFields&&);
  ~JsonFields();

  bool Has(const char* key) const;
  bool IsNull(const char* key) const;

  absl::Status Bool(const char* key, bool* value);
  // A whole number of [min, max].
  absl::Status Integer(const char* key, int64_t min, int64_t max, int64_t* value);
  // The same, or null for nullopt.
  absl::Status Integer(const char* key, int64_t min, int64_t max, std::optional<int64_t>* value);
  // A number of [min, max].
  absl::Status Number(const char* key, double min, double max, double* value);
  absl::Status Integers(const char* key, int64_t min, int64_t max, size_t max_length,
                        std::vector<int64_t>* values);
  // null leaves the list as it is.
  absl::Status Numbers(const char* key, double min, double max, size_t max_length,
                       std::vector<double>* values);
  absl::Status Strings(const char* key, size_t max_length, std::vector<std::string>* values);
  absl::Status String(const char* key, std::string* value);
  // The text of a string, of a whole number, or of a list of such numbers, with
  // commas between: "32,16,8", [32, 16, 8] and 32 are all met where flags became
  // files.
  absl::Status Text(const char* key, std::string* value);
  // Notes that a key was read, whatever it says.
  void Skip(const char* key);
  template <typename E>
  absl::Status Enum(const char* key, const Names<E>& names, E* value) {
    std::string name;
    if (!Has(key)) return absl::OkStatus();
    RETURN_IF_ERROR(String(key, &name));
    return Choose(key, name, names, value);
  }
  // Finds `name`, met at `key`, among `names`.
  template <typename E>
  static absl::Status Choose(absl::string_view key, absl::string_view name, const Names<E>& names,
                             E* value) {
    std::vector<const char*> known;
    for (const auto& [candidate, meaning] : names) {
      if (name == candidate) {
        *value = meaning;
        return absl::OkStatus();
      }
      known.push_back(candidate);
    }
    return UnknownName(key, name, known);
  }

  // An error if there are keys that were not read and do not begin with `_`.
  absl::Status CheckAllRead() const;

 private:
  explicit JsonFields(nlohmann::json object);
  static absl::Status UnknownName(absl::string_view key, absl::string_view name,
                                  const std::vector<const char*>& known);
  // The value of a key, or null pointer if absent. Notes that it was read.
  const nlohmann::json* Read(const char* key);

  std::unique_ptr<const nlohmann::json> object_;
  std::set<std::string> read_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_JSON_FIELDS_H_
