// Configurations of any text: of diffusers, model.json, YAML. What is read of diffusers
// is written and read again, to the same text.
#include <string>

#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/dialects/diffusers_config_writer.h"
#include "core/weights/dialects/settings.h"
#include "tests/fuzz/check_layout.h"

namespace tweedie {
namespace {

void FuzzUnetConfig(absl::string_view text) {
  UnetDefaultsTaken(text);
  const auto config = ParseUnetConfig(text);
  if (!config.ok()) return;
  const auto written = WriteUnetConfig(*config);
  Require(written.ok());
  const auto again = ParseUnetConfig(*written);
  Require(again.ok() && *WriteUnetConfig(*again) == *written);
}

void FuzzSchedulerConfig(absl::string_view text) {
  SchedulerDefaultsTaken(text);
  const auto config = ParseSchedulerConfig(text);
  if (!config.ok()) return;
  const std::string written = WriteSchedulerConfig(*config);
  const auto again = ParseSchedulerConfig(written);
  Require(again.ok() && WriteSchedulerConfig(*again) == written);
}

}  // namespace
}  // namespace tweedie

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  tweedie::FuzzUnetConfig(text);
  tweedie::FuzzSchedulerConfig(text);
  tweedie::ParseModelJson(text).status().IgnoreError();
  tweedie::ParseYamlSettings({std::string(text)}).status().IgnoreError();
  return 0;
}
