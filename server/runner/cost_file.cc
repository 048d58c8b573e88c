#include "server/runner/cost_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

using nlohmann::json;

constexpr int64_t kMaxBytes = 1 << 20;

json ToJson(const CostKey& key) {
  return {{"weights_sha256", key.weights_sha256},
          {"device", key.device},
          {"reproducibility", key.reproducibility},
          {"threads", key.num_threads},
          {"max_rows", key.max_rows},
          {"version", key.version},
          {"machine", key.machine}};
}

json ToJson(const CostCurve& curve) {
  json points = json::array();
  for (const CallCost& cost : curve) points.push_back({cost.rows, cost.seconds});
  return points;
}

// Throws json::exception.
CostCurve CurveOf(const json& points) {
  CostCurve curve;
  for (const json& point : points) {
    curve.push_back({point.at(0).get<int64_t>(), point.at(1).get<double>()});
  }
  return curve;
}

absl::StatusOr<BatchSizes> Parse(const std::string& text, const CostKey& key) {
  try {
    const json file = json::parse(text);
    if (file.at("key") != ToJson(key)) {
      return absl::FailedPreconditionError(
          absl::StrCat("it is of ", file.at("key").dump(), ", not of ", ToJson(key).dump()));
    }
    absl::StatusOr<BatchSizes> sizes =
        BatchSizes::Make(CurveOf(file.at("plain")), CurveOf(file.at("gradient")));
    if (sizes.ok()) return sizes;
    return absl::DataLossError(sizes.status().message());
  } catch (const json::exception& e) {
    return absl::DataLossError(e.what());
  }
}

}  // namespace

std::string CostFileName(const std::string& folder, const CostKey& key) {
  return absl::StrCat(folder, "/", key.weights_sha256, ".json");
}

absl::StatusOr<BatchSizes> ReadCostFile(const std::string& folder, const CostKey& key) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(CostFileName(folder, key), kMaxBytes));
  return Parse(text, key);
}

absl::Status WriteCostFile(const std::string& folder, const CostKey& key, const BatchSizes& sizes) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(absl::StrCat(folder, ": ", error.message()));
  const json file = {{"key", ToJson(key)},
                     {"plain", ToJson(sizes.plain())},
                     {"gradient", ToJson(sizes.gradient())}};
  return WriteFileDurably(CostFileName(folder, key), file.dump(1) + "\n");
}

}  // namespace tweedie
