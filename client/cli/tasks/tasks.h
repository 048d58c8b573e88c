#ifndef TWEEDIE_CLIENT_CLI_TASKS_TASKS_H_
#define TWEEDIE_CLIENT_CLI_TASKS_TASKS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tweedie/v1/job.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// The options of a command that makes a job: those of its task, as typed.
class TaskOptions {
 public:
  virtual ~TaskOptions() = default;
  // Declares them. They must outlive `command`.
  virtual void AddTo(CLI::App* command) = 0;
  // Sets the job's task, its reference and how many results an input has. Files are
  // read here; INVALID_ARGUMENT names the option that is wrong.
  virtual absl::Status SetTask(v1::Job* job) const = 0;
  // Image files shown beside the results; there may be none.
  virtual std::vector<std::string> truth() const { return {}; }
};

// One such command.
struct TaskInfo {
  std::string name;  // of the command
  std::string about;
  std::string example;  // of a command line
  std::function<std::unique_ptr<TaskOptions>()> make_options;
};

TaskInfo SampleTask();
TaskInfo DenoiseTask();
std::vector<TaskInfo> RestoreTasks();  // one a method

// All of them, in the order of the manual.
const std::vector<TaskInfo>& Tasks();

// The task of this name, or null.
const TaskInfo* FindTask(absl::string_view name);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TASKS_TASKS_H_
