#include "core/weights/containers/shard_index.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using nlohmann::json;
using Shards = std::map<std::string, std::set<std::string>>;

constexpr size_t kMaxNames = 100'000;
constexpr size_t kMaxFiles = 1000;
constexpr size_t kMaxNameBytes = 1024;
constexpr int kMaxDepth = 8;

bool IsPlainName(absl::string_view file) {
  return !file.empty() && file.size() <= 255 && file != "." && file != ".." &&
         !absl::StrContains(file, '/') && !absl::StrContains(file, '\\') &&
         !absl::StrContains(file, '\0');
}

// Takes the events of the parser; each handler returns whether to go on.
class IndexHandler final : public nlohmann::json_sax<json> {
 public:
  absl::Status status() const { return status_; }
  Shards Take() { return std::move(shards_); }

  bool start_object(size_t /*size*/) override {
    if (++depth_ == 1) return true;
    if (depth_ > kMaxDepth) return Fail("is nested too deep");
    if (depth_ == 2 && section_ == "weight_map") return true;
    return section_ == "metadata" || Fail("has an object where none belongs");
  }
  bool end_object() override {
    if (--depth_ > 0 || !shards_.empty()) return true;
    return Fail("has no `weight_map`");
  }
  bool key(std::string& name) override {
    if (name.size() > kMaxNameBytes) return Fail("has a name longer than 1024 bytes");
    if (depth_ == 1) {
      section_ = name;
      if (name != "weight_map" && name != "metadata") return Fail("has an unknown key");
      return sections_.insert(name).second || Fail("has a key twice");
    }
    if (section_ == "metadata") return true;
    name_ = name;
    if (names_.size() == kMaxNames) return Fail("has more than 100,000 tensors");
    return names_.insert(name).second || Fail("has a tensor twice");
  }
  bool string(std::string& value) override {
    if (section_ == "metadata") return true;
    if (depth_ != 2) return Fail("has a string where none belongs");
    if (!IsPlainName(value)) {
      return Fail(absl::StrCat("names the file '", absl::Utf8SafeCEscape(value.substr(0, 200)),
                               "', which is no plain name"));
    }
    shards_[value].insert(name_);
    return shards_.size() <= kMaxFiles || Fail("has more than 1000 files");
  }
  bool start_array(size_t /*size*/) override {
    return (section_ == "metadata" && ++depth_ <= kMaxDepth) || Fail("has an unexpected array");
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool number_unsigned(uint64_t /*value*/) override { return InMetadata(); }
  bool number_integer(int64_t /*value*/) override { return InMetadata(); }
  bool number_float(double /*value*/, const std::string& /*text*/) override { return InMetadata(); }
  bool boolean(bool /*value*/) override { return InMetadata(); }
  bool null() override { return InMetadata(); }
  bool binary(json::binary_t& /*value*/) override { return Fail("has binary data"); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Fail(absl::StrCat("is no JSON at byte ", position));
  }

 private:
  bool InMetadata() {
    return section_ == "metadata" || Fail("has a value that is not the name of a file");
  }
  bool Fail(absl::string_view problem) {
    const absl::string_view at = name_.empty() ? section_ : name_;
    status_ =
        absl::InvalidArgumentError(absl::StrCat("the index ", problem, at.empty() ? "" : ", at '",
                                                absl::Utf8SafeCEscape(at), at.empty() ? "" : "'"));
    return false;
  }

  Shards shards_;
  absl::Status status_ = absl::InvalidArgumentError("the index is no JSON object");
  int depth_ = 0;
  std::string section_;  // key of the top level
  std::string name_;     // of the tensor
  std::set<std::string> sections_, names_;
};

}  // namespace

absl::StatusOr<Shards> ParseShardIndex(absl::string_view json_text) {
  IndexHandler handler;
  if (!json::sax_parse(json_text.begin(), json_text.end(), &handler)) return handler.status();
  Shards shards = handler.Take();
  if (shards.empty()) return absl::InvalidArgumentError("the index has no `weight_map`");
  return shards;
}

}  // namespace tweedie
