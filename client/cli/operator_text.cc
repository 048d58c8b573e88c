#include "client/cli/operator_text.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cli/operator_files.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

using Parts = std::vector<std::string>;

absl::Status Wrong(absl::string_view option, absl::string_view form, absl::string_view value) {
  return absl::InvalidArgumentError(absl::StrCat(option, " must be ", form, "; was ", value));
}

std::optional<int32_t> Int(absl::string_view text) {
  int32_t value;
  return absl::SimpleAtoi(text, &value) ? std::optional(value) : std::nullopt;
}

std::optional<double> Double(absl::string_view text) {
  double value;
  return absl::SimpleAtod(text, &value) ? std::optional(value) : std::nullopt;
}

bool HasExtension(absl::string_view text, std::initializer_list<absl::string_view> extensions) {
  return std::any_of(extensions.begin(), extensions.end(), [&](absl::string_view extension) {
    return absl::EndsWithIgnoreCase(text, extension);
  });
}

// Each sets what `parts`, the kernel's name first, say; false if they are wrong.

bool SetGaussian(const Parts& parts, v1::Operator::Blur* blur) {
  if (parts.size() != 3) return false;
  const auto size = Int(parts[1]);
  const auto sigma = Double(parts[2]);
  if (!size || !sigma) return false;
  blur->mutable_gaussian()->set_size(*size);
  blur->mutable_gaussian()->set_sigma(*sigma);
  return true;
}

bool SetMotion(const Parts& parts, v1::Operator::Blur* blur) {
  if (parts.size() != 2 && parts.size() != 3) return false;
  const auto size = Int(parts[1]);
  const auto intensity = Double(parts.size() == 3 ? parts[2] : "0");
  if (!size || !intensity) return false;
  blur->mutable_motion()->set_size(*size);
  if (parts.size() == 3) blur->mutable_motion()->set_intensity(*intensity);
  return true;
}

bool SetRandom(const Parts& parts, v1::Operator::Blur* blur) {
  const auto size = parts.size() == 2 ? Int(parts[1]) : std::nullopt;
  if (size) blur->set_random_size(*size);
  return size.has_value();
}

bool SetKernel(const Parts& parts, v1::Operator::Blur* blur) {
  if (parts[0] == "gaussian") return SetGaussian(parts, blur);
  if (parts[0] == "motion") return SetMotion(parts, blur);
  return parts[0] == "random" && SetRandom(parts, blur);
}

}  // namespace

absl::StatusOr<v1::Operator::Inpainting::Box> ParseBox(const std::string& text) {
  std::vector<int32_t> numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const auto number = Int(part);
    if (number) numbers.push_back(*number);
  }
  const int commas = static_cast<int>(std::count(text.begin(), text.end(), ','));
  if (numbers.size() != 4 || commas != 3) {
    return Wrong("--inpaint-box", "TOP,LEFT,HEIGHT,WIDTH", text);
  }
  v1::Operator::Inpainting::Box box;
  box.set_top(numbers[0]);
  box.set_left(numbers[1]);
  box.set_height(numbers[2]);
  box.set_width(numbers[3]);
  return box;
}

absl::StatusOr<v1::Operator::Blur> ParseBlur(const std::string& text) {
  v1::Operator::Blur blur;
  if (HasExtension(text, {".npy", ".json"})) {
    ASSIGN_OR_RETURN(*blur.mutable_custom(), ReadKernel(text));
  } else if (!SetKernel(absl::StrSplit(text, ':'), &blur)) {
    return Wrong("--blur",
                 "gaussian:SIZE:SIGMA, motion:SIZE[:INTENSITY], random:SIZE, or a .npy or .json "
                 "file",
                 text);
  }
  return blur;
}

absl::StatusOr<v1::Operator::Mri> ParseMri(const std::string& text) {
  v1::Operator::Mri mri;
  if (HasExtension(text, {".npy", ".png", ".jpg", ".jpeg"})) {
    ASSIGN_OR_RETURN(*mri.mutable_mask(), ReadMask(text));
    return mri;
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  const bool has_center = absl::StrContains(text, ':');
  absl::string_view factor = parts.first;
  const bool has_x = absl::ConsumeSuffix(&factor, "x");
  const auto acceleration = Double(factor);
  const auto center = Double(has_center ? parts.second : "0");
  if (!has_x || !acceleration || !center) return Wrong("--mri", "as 4x or 4x:0.08", text);
  mri.mutable_random_columns()->set_acceleration(*acceleration);
  if (has_center) mri.mutable_random_columns()->set_center_fraction(*center);
  return mri;
}

absl::StatusOr<v1::Operator::Tomography> ParseTomography(const std::string& text) {
  const Parts parts = absl::StrSplit(text, ':');
  const auto angles = Int(parts[0]);
  const auto detectors = Int(parts.size() > 1 ? parts[1] : "0");
  if (parts.size() > 2 || !angles || !detectors) {
    return Wrong("--ct", "ANGLES[:DETECTORS]", text);
  }
  v1::Operator::Tomography tomography;
  tomography.set_num_angles(*angles);
  tomography.set_num_detectors(*detectors);
  return tomography;
}

absl::StatusOr<v1::Operator::PhaseRetrieval> ParsePhaseRetrieval(const std::string& text) {
  v1::Operator::PhaseRetrieval phase_retrieval;
  if (text.empty()) return phase_retrieval;
  const auto padding = Double(text);
  if (!padding) return Wrong("--phase-retrieval", "a number", text);
  phase_retrieval.set_padding(*padding);
  return phase_retrieval;
}

}  // namespace tweedie::cli
