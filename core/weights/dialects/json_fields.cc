#include "core/weights/dialects/json_fields.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr int kMaxDepth = 8;

// Python's json module writes these, which are no JSON, for some schedulers.
std::string WithoutNonFinite(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  while (!text.empty()) {
    size_t length = 1;
    absl::string_view replacement = text.substr(0, 1);
    if (in_string && text[0] == '\\') {
      length = std::min<size_t>(2, text.size());
      replacement = text.substr(0, length);
    } else if (text[0] == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      for (const absl::string_view word : {"-Infinity", "Infinity", "NaN"}) {
        if (!absl::StartsWith(text, word)) continue;
        length = word.size();
        replacement = "null";
        break;
      }
    }
    absl::StrAppend(&result, replacement);
    text.remove_prefix(length);
  }
  return result;
}

// Watches a parse for what the library itself would let pass.
class Watch {
 public:
  bool operator()(int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxDepth) problem_ = absl::StrCat("deeper than ", kMaxDepth, " levels");
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end) keys_.pop_back();
    if (event == json::parse_event_t::key &&
        !keys_.back().insert(value.get<std::string>()).second) {
      problem_ = absl::StrCat("key '", absl::Utf8SafeCEscape(value.get<std::string>()), "' twice");
    }
    return problem_.empty();  // false discards the value: no memory is spent on it
  }
  const std::string& problem() const { return problem_; }

 private:
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

// The value as it may stand in a message.
std::string Shown(const json& value) {
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > 80) text = absl::StrCat(text.substr(0, 77), "...");
  return text;
}

absl::Status WrongValue(const char* key, absl::string_view rule, const json& value) {
  return FieldError(key, absl::StrCat("must be ", rule, "; was ", Shown(value)));
}

bool IsWhole(const json& value, int64_t min, int64_t max) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() &&
      value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return false;
  }
  return value.get<int64_t>() >= min && value.get<int64_t>() <= max;
}

bool IsNumber(const json& value, double min, double max) {
  return value.is_number() && value.get<double>() >= min && value.get<double>() <= max;
}

std::string Range(double min, double max) { return absl::StrCat("of [", min, ", ", max, "]"); }

// Checks a list and copies it.
template <typename T, typename Accepts>
absl::Status CopyList(const char* key, const json& value, size_t max_length,
                      absl::string_view elements, const Accepts& accepts, std::vector<T>* values) {
  if (!value.is_array() || value.size() > max_length ||
      !std::all_of(value.begin(), value.end(), accepts)) {
    return WrongValue(key, absl::StrCat("a list of at most ", max_length, " ", elements), value);
  }
  *values = value.get<std::vector<T>>();
  return absl::OkStatus();
}

}  // namespace

JsonFields::JsonFields(json object) : object_(std::make_unique<const json>(std::move(object))) {}
JsonFields::JsonFields(JsonFields&&) = default;
JsonFields::~JsonFields() = default;

absl::StatusOr<JsonFields> JsonFields::Parse(absl::string_view bytes) {
  if (bytes.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON of ", bytes.size(), " bytes; at most ", kMaxBytes, " are allowed"));
  }
  Watch watch;
  const std::string text = WithoutNonFinite(bytes);
  json object = json::parse(text.begin(), text.end(), std::ref(watch), /*allow_exceptions=*/false);
  if (!watch.problem().empty()) return absl::InvalidArgumentError(watch.problem());
  if (object.is_discarded()) return absl::InvalidArgumentError("not valid JSON");
  if (!object.is_object()) return absl::InvalidArgumentError("not a JSON object");
  return JsonFields(std::move(object));
}

const json* JsonFields::Read(const char* key) {
  const auto found = object_->find(key);
  if (found == object_->end()) return nullptr;
  read_.insert(key);
  return &*found;
}

bool JsonFields::Has(const char* key) const { return object_->contains(key); }

bool JsonFields::IsNull(const char* key) const {
  const auto found = object_->find(key);
  return found != object_->end() && found->is_null();
}

absl::Status JsonFields::Bool(const char* key, bool* value) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  if (!field->is_boolean()) return WrongValue(key, "true or false", *field);
  *value = field->get<bool>();
  return absl::OkStatus();
}

absl::Status JsonFields::Integer(const char* key, int64_t min, int64_t max, int64_t* value) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  if (!IsWhole(*field, min, max)) {
    return WrongValue(key, absl::StrCat("a whole number of [", min, ", ", max, "]"), *field);
  }
  *value = field->get<int64_t>();
  return absl::OkStatus();
}

absl::Status JsonFields::Integer(const char* key, int64_t min, int64_t max,
                                 std::optional<int64_t>* value) {
  if (!Has(key)) return absl::OkStatus();
  if (IsNull(key)) {
    Read(key);
    value->reset();
    return absl::OkStatus();
  }
  int64_t number = 0;
  RETURN_IF_ERROR(Integer(key, min, max, &number));
  *value = number;
  return absl::OkStatus();
}

absl::Status JsonFields::Number(const char* key, double min, double max, double* value) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  if (!IsNumber(*field, min, max)) {
    return WrongValue(key, absl::StrCat("a number ", Range(min, max)), *field);
  }
  *value = field->get<double>();
  return absl::OkStatus();
}

absl::Status JsonFields::Integers(const char* key, int64_t min, int64_t max, size_t max_length,
                                  std::vector<int64_t>* values) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  return CopyList(
      key, *field, max_length, absl::StrCat("whole numbers of [", min, ", ", max, "]"),
      [&](const json& value) { return IsWhole(value, min, max); }, values);
}

absl::Status JsonFields::Numbers(const char* key, double min, double max, size_t max_length,
                                 std::vector<double>* values) {
  const json* field = Read(key);
  if (field == nullptr || field->is_null()) return absl::OkStatus();
  return CopyList(
      key, *field, max_length, absl::StrCat("numbers ", Range(min, max)),
      [&](const json& value) { return IsNumber(value, min, max); }, values);
}

absl::Status JsonFields::Strings(const char* key, size_t max_length,
                                 std::vector<std::string>* values) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  return CopyList(
      key, *field, max_length, "names", [](const json& value) { return value.is_string(); },
      values);
}

absl::Status JsonFields::String(const char* key, std::string* value) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  if (!field->is_string()) return WrongValue(key, "a string", *field);
  *value = field->get<std::string>();
  return absl::OkStatus();
}

absl::Status JsonFields::Text(const char* key, std::string* value) {
  const json* field = Read(key);
  if (field == nullptr) return absl::OkStatus();
  if (field->is_string()) return String(key, value);
  const bool list =
      field->is_array() && std::all_of(field->begin(), field->end(),
                                       [](const json& e) { return e.is_number_integer(); });
  if (!list && !field->is_number_integer()) {
    return WrongValue(key, "a whole number, a list of them or \"N1,N2,...\"", *field);
  }
  std::vector<std::string> parts;
  for (const json& element : list ? *field : json::array({*field})) parts.push_back(element.dump());
  *value = absl::StrJoin(parts, ",");
  return absl::OkStatus();
}

void JsonFields::Skip(const char* key) { Read(key); }

absl::Status JsonFields::UnknownName(absl::string_view key, absl::string_view name,
                                     const std::vector<const char*>& known) {
  return FieldError(key, absl::StrCat("must be one of ", absl::StrJoin(known, ", "), "; was ",
                                      Shown(json(std::string(name)))));
}

absl::Status JsonFields::CheckAllRead() const {
  std::vector<std::string> unknown;
  for (const auto& [key, value] : object_->items()) {
    if (read_.count(key) > 0 || absl::StartsWith(key, "_")) continue;
    unknown.push_back(absl::CHexEscape(key.substr(0, 60)));
    if (unknown.size() == 10) break;
  }
  if (unknown.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("unknown keys: ", absl::StrJoin(unknown, ", ")));
}

}  // namespace tweedie
