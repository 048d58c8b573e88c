#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/json.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

std::string Limit(int64_t bytes) {
  return bytes == 0 ? "without limit" : absl::StrCat("at most ", bytes, " bytes");
}

std::string Describe(const v1::ServerInfo& info) {
  return FormatTable({
      {"server", info.server()},
      {"version", info.version()},
      {"started", FormatTimestamp(info.start_time())},
      {"devices", absl::StrJoin(info.devices(), ", ")},
      {"libtorch", info.libtorch_version()},
      {"store", info.store()},
      {"reproducibility", info.strict_reproducibility() ? "strict" : "fast"},
      {"images per job", absl::StrCat("at most ", info.max_images_per_job())},
      {"steps per job", absl::StrCat("at most ", info.max_steps_per_job(), " for an image")},
      {"labels per job", absl::StrCat("at most ", info.max_labels_per_job())},
      {"memory per job", absl::StrCat("at most ", info.max_job_bytes(), " bytes")},
      {"image file", absl::StrCat("at most ", info.max_image_pixels(), " pixels")},
      {"batch", absl::StrCat("at most ", info.max_jobs_per_batch(), " jobs")},
      {"queued jobs", absl::StrCat("at most ", info.max_queued_jobs(), ", of one creator ",
                                   info.max_queued_jobs_per_creator())},
      {"queued inputs", absl::StrCat(Limit(info.max_queued_bytes()), ", of one creator ",
                                     Limit(info.max_queued_bytes_per_creator()))},
      {"kept", absl::StrCat(Limit(info.max_kept_bytes()), " of ended jobs")},
      {"request", absl::StrCat("at most ", info.max_request_bytes(), " bytes")},
      {"response", absl::StrCat("at most ", info.max_response_bytes(), " bytes")},
      {"calls", absl::StrCat("at most ", info.max_streams_per_connection(),
                             " of one connection, in ", info.rpc_memory_bytes(), " bytes")},
      {"streams", absl::StrCat("at most ", info.max_watches(), ", of one creator ",
                               info.max_watches_per_creator())},
      {"log level", info.log_level()},
  });
}

absl::StatusOr<int> Info(Session& session) {
  ASSIGN_OR_RETURN(const v1::ServerInfo info, session.client().GetServerInfo());
  session.Result(session.json() ? ToJson(info) : Describe(info));
  return kOk;
}

}  // namespace

void AddInfo(CLI::App* app, Command* selected) {
  CLI::App* command = app->add_subcommand("info", "Show what the server is and allows");
  command->callback([=] { *selected = Info; });
}

}  // namespace tweedie::cli
