#include "server/tools/fields.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/finite_time.h"
#include "core/base/utf8.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

}  // namespace

void Fields::Set(absl::string_view name, absl::string_view bytes) {
  values_[std::string(name)] = std::string(bytes);
}

void Fields::SetInt(absl::string_view name, int64_t value) { Set(name, absl::StrCat(value)); }

void Fields::SetTime(absl::string_view name, absl::Time time) {
  if (IsFinite(time)) SetInt(name, absl::ToUnixMicros(time));
}

void Fields::SetBlob(absl::string_view name, const BlobRef& blob) {
  if (blob.name.empty()) return;
  Set(absl::StrCat(name, ".name"), blob.name);
  SetInt(absl::StrCat(name, ".size"), blob.size);
  Set(absl::StrCat(name, ".sha256"), blob.sha256);
}

std::string Fields::ToText() const {
  std::string text;
  for (const auto& [name, value] : values_) {
    absl::StrAppend(&text, name, "=", absl::CEscape(value), "\n");
  }
  return text;
}

absl::StatusOr<Fields> Fields::FromText(absl::string_view text) {
  Fields fields;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    std::string value;
    if (parts.size() != 2 || !absl::CUnescape(parts[1], &value)) {
      return absl::InvalidArgumentError("a line is no field");
    }
    if (!fields.values_.emplace(std::string(parts[0]), std::move(value)).second) {
      return absl::InvalidArgumentError(absl::StrCat("the field ", parts[0], " comes twice"));
    }
  }
  return fields;
}

void Fields::Record(absl::string_view name, absl::string_view problem) {
  if (status_.ok()) {
    status_ = absl::InvalidArgumentError(absl::StrCat("the field ", name, " ", problem));
  }
}

std::string Fields::Take(absl::string_view name) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    Record(name, "is missing");
    return "";
  }
  std::string value = std::move(found->second);
  values_.erase(found);
  return value;
}

std::string Fields::TakeText(absl::string_view name) { return ToUtf8(Take(name)); }

int64_t Fields::TakeInt(absl::string_view name, int64_t min, int64_t max) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(Take(name), &value) || value < min || value > max) {
    Record(name, absl::StrCat("must be a number from ", min, " to ", max));
    return min;
  }
  return value;
}

absl::Time Fields::TakeTimeOr(absl::string_view name, absl::Time if_none) {
  if (!Has(name)) return if_none;
  return absl::FromUnixMicros(TakeInt(name, 0, kMaxInt));
}

BlobRef Fields::TakeBlob(absl::string_view name) {
  if (!Has(absl::StrCat(name, ".name"))) return {};
  BlobRef blob;
  blob.name = Take(absl::StrCat(name, ".name"));
  blob.size = TakeInt(absl::StrCat(name, ".size"), 0, kMaxInt);
  blob.sha256 = Take(absl::StrCat(name, ".sha256"));
  return blob;
}

std::map<std::string, std::string> Fields::TakeAll(absl::string_view prefix) {
  std::map<std::string, std::string> taken;
  for (auto it = values_.lower_bound(prefix);
       it != values_.end() && absl::StartsWith(it->first, prefix);) {
    taken[it->first.substr(prefix.size())] = std::move(it->second);
    it = values_.erase(it);
  }
  return taken;
}

absl::Status Fields::End() const {
  if (!status_.ok() || values_.empty()) return status_;
  return absl::InvalidArgumentError(
      absl::StrCat("the field ", values_.begin()->first, " is unknown"));
}

}  // namespace tweedie
