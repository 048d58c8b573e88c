#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/dialects/json_fields.h"

namespace tweedie {
namespace {

using Defaults = std::vector<std::pair<const char*, const char*>>;

std::vector<std::string> Taken(absl::string_view json, const Defaults& defaults) {
  std::vector<std::string> taken;
  const absl::StatusOr<JsonFields> fields = JsonFields::Parse(json);
  if (!fields.ok()) return taken;
  for (const auto& [key, value] : defaults) {
    if (!fields->Has(key)) taken.push_back(absl::StrCat(key, " ", value, " (diffusers' default)"));
  }
  return taken;
}

}  // namespace

std::vector<std::string> UnetDefaultsTaken(absl::string_view json) {
  return Taken(json, {{"center_input_sample", "false"},
                      {"freq_shift", "0"},
                      {"flip_sin_to_cos", "true"},
                      {"mid_block_scale_factor", "1"},
                      {"downsample_padding", "1"},
                      {"act_fn", "silu"},
                      {"attention_head_dim", "8"},
                      {"norm_num_groups", "32"},
                      {"norm_eps", "1e-5"}});
}

std::vector<std::string> SchedulerDefaultsTaken(absl::string_view json) {
  return Taken(json, {{"num_train_timesteps", "1000"},
                      {"beta_start", "0.0001"},
                      {"beta_end", "0.02"},
                      {"beta_schedule", "linear"},
                      {"prediction_type", "epsilon"},
                      {"variance_type", "fixed_small"},
                      {"clip_sample", "true"}});
}

}  // namespace tweedie
