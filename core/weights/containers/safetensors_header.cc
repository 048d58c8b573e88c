#include "core/weights/containers/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxTensors = 100'000;
constexpr size_t kMaxMetadata = 10'000;
constexpr char kMetadataName[] = "__metadata__";

// Where in the header the next event belongs.
enum class Place { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kEnd };

// Takes the events of the parser; each handler returns whether to go on.
class HeaderHandler final : public nlohmann::json_sax<json> {
 public:
  absl::Status status() const { return status_; }
  SafetensorsHeader Take() { return std::move(header_); }

  bool start_object(size_t /*size*/) override {
    if (place_ == Place::kStart) return Enter(Place::kTop);
    if (place_ != Place::kTop) return Fail("an object where none belongs");
    if (key_ == kMetadataName) return Enter(Place::kMetadata);
    has_dtype_ = has_shape_ = has_offsets_ = false;
    return Enter(Place::kTensor);
  }
  bool end_object() override {
    if (place_ == Place::kTop) return Enter(Place::kEnd);
    if (place_ == Place::kTensor && !(has_dtype_ && has_shape_ && has_offsets_)) {
      return Fail("dtype, shape or data_offsets is missing");
    }
    return Enter(Place::kTop);
  }
  bool key(std::string& name) override {
    if (name.size() > kMaxNameBytes) return Fail("a name longer than 1024 bytes");
    if (place_ == Place::kTensor) return TensorKey(name);
    if (place_ == Place::kMetadata) {
      metadata_key_ = name;
      if (header_.metadata.size() == kMaxMetadata) return Fail("more than 10,000 metadata");
      return header_.metadata.emplace(name, "").second || Fail("metadata key twice");
    }
    key_ = name;
    if (name == kMetadataName) return !std::exchange(has_metadata_, true) || Fail("key twice");
    if (header_.tensors.size() == kMaxTensors) return Fail("more than 100,000 tensors");
    const auto [entry, is_new] = header_.tensors.emplace(name, SafetensorsEntry{});
    entry_ = &entry->second;
    return is_new || Fail("name twice");
  }
  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata[metadata_key_] = value;
      return true;
    }
    if (place_ != Place::kTensor || field_ != "dtype") return Fail("a string where none belongs");
    entry_->dtype = value;
    return true;
  }
  bool start_array(size_t /*size*/) override {
    if (place_ != Place::kTensor) return Fail("an array where none belongs");
    if (field_ == "shape") return Enter(Place::kShape);
    if (field_ != "data_offsets") return Fail("an array where none belongs");
    num_offsets_ = 0;
    return Enter(Place::kOffsets);
  }
  bool end_array() override {
    if (place_ == Place::kOffsets && num_offsets_ != 2) return Fail("data_offsets is not a pair");
    return Enter(Place::kTensor);
  }
  bool number_unsigned(uint64_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Fail(absl::StrCat(value, " is too large"));
    }
    const int64_t number = static_cast<int64_t>(value);
    if (place_ == Place::kShape) {
      entry_->shape.push_back(number);
      return entry_->shape.size() <= kMaxSafetensorsRank || Fail("more than 8 dimensions");
    }
    if (place_ != Place::kOffsets) return Fail("a number where none belongs");
    (num_offsets_ == 0 ? entry_->begin : entry_->end) = number;
    return ++num_offsets_ <= 2 || Fail("data_offsets is not a pair");
  }
  bool null() override { return Fail("null where none belongs"); }
  bool boolean(bool /*value*/) override { return Fail("a boolean where none belongs"); }
  bool number_integer(int64_t value) override {
    return Fail(absl::StrCat(value, " where only numbers from 0 belong"));
  }
  bool number_float(double /*value*/, const std::string& text) override {
    return Fail(absl::StrCat(text.substr(0, 40), " where only whole numbers belong"));
  }
  bool binary(json::binary_t& /*value*/) override { return Fail("binary data"); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Fail(absl::StrCat("no JSON at byte ", position));
  }

 private:
  bool Enter(Place place) {
    place_ = place;
    return true;
  }
  bool Fail(absl::string_view problem) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("safetensors header: ", problem,
                     key_.empty() ? "" : absl::StrCat(", at '", absl::Utf8SafeCEscape(key_), "'")));
    return false;
  }
  bool TensorKey(const std::string& name) {
    bool* seen = name == "dtype"          ? &has_dtype_
                 : name == "shape"        ? &has_shape_
                 : name == "data_offsets" ? &has_offsets_
                                          : nullptr;
    field_ = name;
    if (seen == nullptr) {
      return Fail(absl::StrCat("unknown key '", absl::Utf8SafeCEscape(name), "'"));
    }
    return !std::exchange(*seen, true) || Fail(absl::StrCat(name, " twice"));
  }

  SafetensorsHeader header_;
  absl::Status status_;
  Place place_ = Place::kStart;
  std::string key_;           // of the top level
  std::string field_;         // of a tensor
  std::string metadata_key_;  // of the metadata
  SafetensorsEntry* entry_ = nullptr;
  int num_offsets_ = 0;
  bool has_metadata_ = false;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view bytes) {
  HeaderHandler handler;
  if (!json::sax_parse(bytes.begin(), bytes.end(), &handler)) return handler.status();
  return handler.Take();
}

}  // namespace tweedie
