#include "core/weights/containers/state_dict_choice.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/problem_list.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"

namespace tweedie {
namespace {

using Kind = PickleKind;
using Fields = std::map<absl::string_view, PickleId>;

constexpr absl::string_view kWrappers[] = {
    "ema", "ema_state_dict", "state_dict", "model_state_dict", "model", "params"};
constexpr size_t kMaxKeys = 100'000;
constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxValueBytes = 1024;
constexpr size_t kMaxListed = 1000;  // values, and ignored things, that are listed
constexpr int kMaxWrappers = 8;

bool HasTensor(const PickledObject& object, PickleId id) {
  if (!object.Is(id, Kind::kDict)) return false;
  const std::vector<PickleId>& pairs = object.at(id).ids();
  for (size_t i = 1; i < pairs.size(); i += 2) {
    if (object.Is(pairs[i], Kind::kTensor)) return true;
  }
  return false;
}

// Looks two levels deep, which is enough for a wrapper in a wrapper.
bool HoldsStateDict(const PickledObject& object, PickleId id) {
  if (HasTensor(object, id)) return true;
  if (!object.Is(id, Kind::kDict)) return false;
  const std::vector<PickleId>& pairs = object.at(id).ids();
  for (size_t i = 0; i < pairs.size(); i += 2) {
    if (!object.Is(pairs[i], Kind::kString)) continue;
    for (const absl::string_view wrapper : kWrappers) {
      if (object.at(pairs[i]).text() == wrapper && HasTensor(object, pairs[i + 1])) return true;
    }
  }
  return false;
}

std::optional<std::string> AsText(const PickleValue& value) {
  switch (value.kind) {
    case Kind::kBool:
      return value.integer() != 0 ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(value.integer());
    case Kind::kDouble:
      return absl::StrCat(std::get<double>(value.data));
    case Kind::kString:
      if (value.text().size() <= kMaxValueBytes) return ToUtf8(value.text());
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

class Chooser {
 public:
  explicit Chooser(const PickledObject& object) : object_(object) {}

  absl::StatusOr<StateDictChoice> Choose() {
    PickleId id = object_.root;
    for (int i = 0; i < kMaxWrappers; ++i) {
      if (object_.Is(id, Kind::kList) && !object_.at(id).ids().empty()) {
        id = EnterList(id);
        continue;
      }
      ASSIGN_OR_RETURN(const Fields fields, FieldsOf(id));
      const std::optional<absl::string_view> wrapper = FindWrapper(fields);
      if (!wrapper) return Take(fields);
      for (const auto& [key, value] : fields) {
        if (key != *wrapper) TakeOther(key, value);
      }
      id = fields.at(*wrapper);
      Enter(*wrapper);
    }
    return absl::InvalidArgumentError("holds its state dict in more than 8 others");
  }

 private:
  absl::StatusOr<Fields> FieldsOf(PickleId id) const {
    if (!object_.Is(id, Kind::kDict)) {
      return absl::InvalidArgumentError("holds no state dict: it is neither a dict nor a list");
    }
    const std::vector<PickleId>& pairs = object_.at(id).ids();
    if (pairs.size() > 2 * kMaxKeys) return absl::InvalidArgumentError("more than 100,000 keys");
    Fields fields;
    for (size_t i = 0; i < pairs.size(); i += 2) {
      if (!object_.Is(pairs[i], Kind::kString)) {
        return absl::InvalidArgumentError("a state dict with a key that is no string");
      }
      const std::string& key = object_.at(pairs[i]).text();
      if (key.size() > kMaxKeyBytes) return absl::InvalidArgumentError("a key of over 1024 bytes");
      if (fields.emplace(key, pairs[i + 1]).second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("key '", absl::Utf8SafeCEscape(key), "' is there twice"));
    }
    return fields;
  }
  std::optional<absl::string_view> FindWrapper(const Fields& fields) const {
    for (const absl::string_view wrapper : kWrappers) {
      const auto found = fields.find(wrapper);
      if (found != fields.end() && HoldsStateDict(object_, found->second)) return wrapper;
    }
    return std::nullopt;
  }
  void Enter(absl::string_view key) {
    absl::StrAppend(&choice_.wrapper, choice_.wrapper.empty() ? "" : ".", key);
  }
  PickleId EnterList(PickleId id) {
    const std::vector<PickleId>& ids = object_.at(id).ids();
    for (size_t i = 1; i < ids.size(); ++i) TakeOther(absl::StrCat("[", i, "]"), ids[i]);
    Enter("[0]");
    return ids[0];
  }
  // Notes what stands beside the state dict, or in it and is no tensor.
  void TakeOther(absl::string_view key, PickleId id) {
    std::string name =
        ToUtf8(absl::StrCat(choice_.wrapper, choice_.wrapper.empty() ? "" : ".", key));
    const std::optional<std::string> text = AsText(object_.at(id));
    if (text && choice_.values.size() < kMaxListed) {
      choice_.values.emplace(std::move(name), *text);
    } else if (!object_.Is(id, Kind::kNone) && choice_.ignored.size() < kMaxListed) {
      choice_.ignored.push_back(std::move(name));
    }
  }
  absl::StatusOr<StateDictChoice> Take(const Fields& fields) {
    ProblemList keys("its keys are");
    for (const auto& [key, id] : fields) {
      keys.Add(key);
      if (object_.Is(id, Kind::kTensor)) {
        choice_.tensors.emplace(key, static_cast<size_t>(object_.at(id).integer()));
      } else {
        TakeOther(key, id);
      }
    }
    if (!choice_.tensors.empty()) return std::move(choice_);
    return absl::InvalidArgumentError(
        absl::StrCat("holds no state dict: no tensors", choice_.wrapper.empty() ? "" : " in ",
                     choice_.wrapper, fields.empty() ? "" : "; ", ProblemList::Describe({&keys})));
  }

  const PickledObject& object_;
  StateDictChoice choice_;
};

// Whether every name that has a dot begins with `prefix`, and one does.
bool IsCommon(const std::map<std::string, std::string>& names, absl::string_view prefix) {
  bool found = false;
  for (const auto& [old, name] : names) {
    if (!absl::StrContains(name, '.')) continue;
    if (!absl::StartsWith(name, prefix)) return false;
    found = true;
  }
  return found;
}

void Strip(absl::string_view prefix, Renaming* renaming) {
  absl::StrAppend(&renaming->prefix, prefix);
  for (auto& [old, name] : renaming->names) {
    if (absl::StartsWith(name, prefix)) name.erase(0, prefix.size());
  }
}

// Drops what is not under `prefix`.
void Keep(absl::string_view prefix, Renaming* renaming) {
  size_t dropped = 0;
  for (auto named = renaming->names.begin(); named != renaming->names.end();) {
    if (absl::StartsWith(named->second, prefix)) {
      ++named;
      continue;
    }
    if (++dropped <= kMaxListed) renaming->ignored.push_back(ToUtf8(named->first));
    named = renaming->names.erase(named);
  }
}

absl::Status CheckUnique(const Renaming& renaming) {
  std::map<absl::string_view, absl::string_view> olds;
  for (const auto& [old, name] : renaming.names) {
    const auto [other, is_new] = olds.emplace(name, old);
    if (is_new) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("tensors '", absl::Utf8SafeCEscape(other->second), "' and '",
                     absl::Utf8SafeCEscape(old), "' have one name without their prefix"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StateDictChoice> ChooseStateDict(const PickledObject& object) {
  return Chooser(object).Choose();
}

absl::StatusOr<Renaming> StripPrefixes(const std::vector<std::string>& names) {
  constexpr absl::string_view kEma = "ema_model.";
  Renaming renaming;
  for (const std::string& name : names) renaming.names.emplace(name, name);
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kEma)) continue;
    Keep(kEma, &renaming);
    Strip(kEma, &renaming);
    break;
  }
  for (bool found = true; found;) {
    found = false;
    for (const absl::string_view prefix : {"module.", "model."}) {
      if (!IsCommon(renaming.names, prefix)) continue;
      Strip(prefix, &renaming);
      found = true;
    }
  }
  RETURN_IF_ERROR(CheckUnique(renaming));
  return renaming;
}

}  // namespace tweedie
