#ifndef TWEEDIE_CLIENT_CLI_PROCESS_OPTIONS_H_
#define TWEEDIE_CLIENT_CLI_PROCESS_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tweedie/v1/task.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// Options of a reverse process, as typed. The server checks their values.
struct ProcessOptions {
  std::optional<std::string> kind;  // ddpm, ddim, dpm-solver
  std::optional<int32_t> steps;
  std::optional<double> eta;
  std::optional<std::string> variance;  // fixed-small, fixed-large, learned-range
  std::optional<std::string> spacing;   // leading, trailing, linspace
  bool clip = false;
  bool no_clip = false;
};

// All of them.
void AddProcessOptions(CLI::App* command, ProcessOptions* options);
// Those of how a process is discretised: steps, spacing, clipping.
void AddStepOptions(CLI::App* command, ProcessOptions* options);

// Whether any of the options was given.
bool IsSet(const ProcessOptions& options);

v1::ReverseProcess MakeProcess(const ProcessOptions& options);

// Sets the process of a task, if any of its options was given.
template <typename Task>
void SetProcess(const ProcessOptions& options, Task* task) {
  if (IsSet(options)) *task->mutable_process() = MakeProcess(options);
}

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PROCESS_OPTIONS_H_
