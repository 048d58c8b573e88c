#include "client/cli/evaluation/plan.h"

#include <cmath>
#include <initializer_list>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "nlohmann/json.hpp"

namespace tweedie::cli {
namespace {

using Json = nlohmann::json;

absl::Status CheckKeys(const Json& object, const std::string& where,
                       std::initializer_list<const char*> keys) {
  for (const auto& [key, unused] : object.items()) {
    bool known = false;
    for (const char* allowed : keys) known = known || key == allowed;
    if (!known) return absl::InvalidArgumentError(absl::StrCat(where, " has no key '", key, "'"));
  }
  return absl::OkStatus();
}

// Each sets `value` from `object[key]` if that is there.

absl::Status Read(const Json& object, const char* key, std::string* value) {
  if (!object.contains(key)) return absl::OkStatus();
  if (!object[key].is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("'", key, "' must be a text"));
  }
  *value = object[key].get<std::string>();
  return absl::OkStatus();
}

template <typename Integer>
absl::Status ReadInteger(const Json& object, const char* key, Integer* value) {
  if (!object.contains(key)) return absl::OkStatus();
  if (!object[key].is_number_unsigned()) {
    return absl::InvalidArgumentError(absl::StrCat("'", key, "' must be a whole number"));
  }
  *value = object[key].get<Integer>();
  return absl::OkStatus();
}

// Calls `read` with each element of the list `object[key]`, if that is there.
template <typename ReadElement>
absl::Status ReadList(const Json& object, const char* key, const ReadElement& read) {
  if (!object.contains(key)) return absl::OkStatus();
  if (!object[key].is_array()) {
    return absl::InvalidArgumentError(absl::StrCat("'", key, "' must be a list"));
  }
  for (const Json& element : object[key]) RETURN_IF_ERROR(read(element));
  return absl::OkStatus();
}

absl::Status ReadText(const Json& element, std::vector<std::string>* texts) {
  if (!element.is_string()) return absl::InvalidArgumentError("a name must be a text");
  texts->push_back(element.get<std::string>());
  return absl::OkStatus();
}

absl::Status ReadNoise(const Json& element, std::vector<double>* noise) {
  if (!element.is_number()) return absl::InvalidArgumentError("'noise' must be numbers");
  noise->push_back(element.get<double>());
  return absl::OkStatus();
}

absl::Status ReadEntry(const Json& element, std::vector<PlanEntry>* entries) {
  if (element.is_string()) {
    entries->push_back(EntryOf(element.get<std::string>()));
    return absl::OkStatus();
  }
  if (!element.is_object()) return absl::InvalidArgumentError("a method must be a text or object");
  RETURN_IF_ERROR(
      CheckKeys(element, "a method or operator", {"name", "options", "images", "operators"}));
  PlanEntry entry;
  RETURN_IF_ERROR(Read(element, "options", &entry.options));
  entry.name = entry.options;
  RETURN_IF_ERROR(Read(element, "name", &entry.name));
  int images = 0;
  RETURN_IF_ERROR(ReadInteger(element, "images", &images));
  if (element.contains("images")) entry.images = images;
  RETURN_IF_ERROR(ReadList(element, "operators",
                           [&](const Json& name) { return ReadText(name, &entry.operators); }));
  entries->push_back(std::move(entry));
  return absl::OkStatus();
}

// `what` is `method` or `operator`.
absl::Status CheckEntries(const std::vector<PlanEntry>& entries, const std::string& what) {
  if (entries.empty()) return absl::InvalidArgumentError(absl::StrCat("no ", what, "s are given"));
  std::set<std::string> names;
  for (const PlanEntry& entry : entries) {
    if (entry.options.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the ", what, " '", entry.name, "' has no options"));
    }
    if (!names.insert(entry.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("two ", what, "s are named '", entry.name, "'"));
    }
    if (entry.images && *entry.images < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("'images' of '", entry.name, "' must be at least 1"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOperatorNames(const EvaluationPlan& plan) {
  std::set<std::string> known;
  for (const PlanEntry& entry : plan.operators) known.insert(entry.name);
  for (const PlanEntry& method : plan.methods) {
    for (const std::string& name : method.operators) {
      if (known.count(name) > 0) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("the method '", method.name, "' is for '", name, "', which is no operator"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

PlanEntry EntryOf(const std::string& text) { return PlanEntry{text, text, {}, {}}; }

absl::StatusOr<EvaluationPlan> ParsePlan(const std::string& json) {
  const Json object = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("a plan must be a JSON object");
  RETURN_IF_ERROR(CheckKeys(object, "a plan", {"images", "seed", "noise", "operators", "methods"}));
  EvaluationPlan plan;
  if (object.contains("noise")) plan.noise.clear();
  RETURN_IF_ERROR(ReadInteger(object, "images", &plan.images));
  RETURN_IF_ERROR(ReadInteger(object, "seed", &plan.seed));
  RETURN_IF_ERROR(ReadList(object, "noise",
                           [&](const Json& element) { return ReadNoise(element, &plan.noise); }));
  RETURN_IF_ERROR(ReadList(object, "operators", [&](const Json& element) {
    return ReadEntry(element, &plan.operators);
  }));
  RETURN_IF_ERROR(ReadList(object, "methods",
                           [&](const Json& element) { return ReadEntry(element, &plan.methods); }));
  return plan;
}

absl::Status CheckPlan(const EvaluationPlan& plan) {
  RETURN_IF_ERROR(CheckEntries(plan.methods, "method"));
  RETURN_IF_ERROR(CheckEntries(plan.operators, "operator"));
  RETURN_IF_ERROR(CheckOperatorNames(plan));
  if (plan.images < 1) return absl::InvalidArgumentError("'images' must be at least 1");
  if (plan.noise.empty()) return absl::InvalidArgumentError("no noise levels are given");
  for (const double sigma : plan.noise) {
    if (!(sigma >= 0) || !std::isfinite(sigma)) {
      return absl::InvalidArgumentError(absl::StrCat("noise must be at least 0; was ", sigma));
    }
  }
  return absl::OkStatus();
}

}  // namespace tweedie::cli
