#include "core/weights/dialects/yaml_json.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = size_t{64} << 10;
constexpr int kMaxValues = 10'000;
constexpr size_t kMaxDepth = 8;

bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> words) {
  for (const absl::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

bool LooksLikeNumber(absl::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || !(absl::ascii_isdigit(text[0]) || text[0] == '.')) return false;
  // 010 is eight to some readers.
  if (text.size() > 1 && text[0] == '0' && absl::ascii_isdigit(text[1])) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && !absl::StrContains(".eE+-", c)) return false;
  }
  return true;
}

// The value of a scalar without quotes.
json Plain(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  const std::string lower = absl::AsciiStrToLower(text);
  if (IsOneOf(lower, {"true", "yes", "on"})) return true;
  if (IsOneOf(lower, {"false", "no", "off"})) return false;
  if (!LooksLikeNumber(text)) return text;
  int64_t whole = 0;
  if (absl::SimpleAtoi(text, &whole)) return whole;
  double number = 0;
  if (absl::SimpleAtod(text, &number)) return number;
  return text;
}

// Thrown through the parser, which has no other way to be stopped.
struct Refusal : std::exception {
  explicit Refusal(absl::Status why) : status(std::move(why)) {}
  absl::Status status;
};

class Builder final : public YAML::EventHandler {
 public:
  json Take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Count(mark, "", anchor);
    Value(mark, nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Refuse(mark, "an alias");
  }
  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override {
    Refuse(mark, "an anchor");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Count(mark, tag, anchor);
    if (!stack_.empty() && stack_.back().value.is_object() && !stack_.back().key) {
      Key(mark, value);
    } else {
      Value(mark, tag == "!" ? json(value) : Plain(value));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, json::array());
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, json::object());
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    json value;
    std::optional<std::string> key;  // of the map's value that comes next
    YAML::Mark mark;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, absl::string_view what) {
    throw Refusal(absl::InvalidArgumentError(
        absl::StrCat("line ", mark.line + 1, " has ", what, ", which is not allowed")));
  }
  void Count(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) Refuse(mark, "an anchor");
    if (tag.size() > 1) Refuse(mark, "a tag");
    if (++count_ > kMaxValues) Refuse(mark, "one value too many");
  }
  void Key(const YAML::Mark& mark, const std::string& key) {
    if (stack_.back().value.contains(key)) Refuse(mark, "a key that was there before");
    stack_.back().key = key;
  }
  void Value(const YAML::Mark& mark, json value) {
    if (stack_.empty()) {
      if (!root_.is_null()) Refuse(mark, "a second document");
      root_ = std::move(value);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else if (parent.key) {
      parent.value[*std::exchange(parent.key, std::nullopt)] = std::move(value);
    } else {
      Refuse(mark, "a key that is no scalar");
    }
  }
  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json empty) {
    Count(mark, tag, anchor);
    if (stack_.size() >= kMaxDepth) Refuse(mark, "one level too many");
    if (!stack_.empty() && stack_.back().value.is_object() && !stack_.back().key) {
      Refuse(mark, "a key that is no scalar");
    }
    stack_.push_back({std::move(empty), std::nullopt, mark});
  }
  void Close() {
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    Value(done.mark, std::move(done.value));
  }

  json root_;
  std::vector<Frame> stack_;
  int count_ = 0;
};

}  // namespace

absl::StatusOr<std::string> JsonOfYaml(absl::string_view yaml) {
  if (yaml.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("YAML of ", yaml.size(), " bytes; at most ", kMaxBytes, " are allowed"));
  }
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    const json root = std::move(builder).Take();
    if (!root.is_object()) return absl::InvalidArgumentError("YAML that is no map");
    return root.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  } catch (const Refusal& refusal) {
    return refusal.status;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("not valid YAML: line ", error.mark.line + 1, ": ", error.msg));
  }
}

}  // namespace tweedie
