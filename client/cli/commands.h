#ifndef TWEEDIE_CLIENT_CLI_COMMANDS_H_
#define TWEEDIE_CLIENT_CLI_COMMANDS_H_

#include <functional>

#include "absl/status/statusor.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

class Session;

// What a command line asks for: returns the exit code, or an error from which
// it follows.
using Command = std::function<absl::StatusOr<int>(Session&)>;

// Likewise of one that needs no server; it returns the exit code.
using LocalCommand = std::function<int()>;

// Each adds a command to `app`; when the command is parsed, it puts itself
// into `selected`, which must outlive `app`.
void AddTasks(CLI::App* app, Command* selected);  // one a task
void AddBatch(CLI::App* app, Command* selected);
void AddEvaluate(CLI::App* app, Command* selected);
void AddWatch(CLI::App* app, Command* selected);
void AddGet(CLI::App* app, Command* selected);
void AddList(CLI::App* app, Command* selected);
void AddCancel(CLI::App* app, Command* selected);
void AddDelete(CLI::App* app, Command* selected);
void AddModels(CLI::App* app, Command* selected);
void AddServers(CLI::App* app, Command* selected);
void AddInfo(CLI::App* app, Command* selected);
void AddLogLevel(CLI::App* app, Command* selected);
void AddTop(CLI::App* app, Command* selected);
void AddCompletion(CLI::App* app, LocalCommand* selected);
// Hidden: what the scripts of AddCompletion() ask.
void AddCompletionJobs(CLI::App* app, Command* selected);
void AddManual(CLI::App* app, LocalCommand* selected);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_COMMANDS_H_
