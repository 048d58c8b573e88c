#ifndef TWEEDIE_CLIENT_CLI_WAITING_H_
#define TWEEDIE_CLIENT_CLI_WAITING_H_

#include "absl/status/statusor.h"
#include "client/cpp/client.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// --wait, the default, and --detach of a command that makes jobs.
void AddWaitOptions(CLI::App* command, bool* detach);

// The job as it has ended, at once if it has.
absl::StatusOr<v1::Job> WaitForEnd(const Client& client, const v1::Job& job);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_WAITING_H_
