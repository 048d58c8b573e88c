#include "client/cli/tasks/tasks.h"

namespace tweedie::cli {

const std::vector<TaskInfo>& Tasks() {
  static const auto& tasks = *new std::vector<TaskInfo>([] {
    std::vector<TaskInfo> all = {SampleTask(), DenoiseTask()};
    for (TaskInfo& task : RestoreTasks()) all.push_back(std::move(task));
    return all;
  }());
  return tasks;
}

const TaskInfo* FindTask(absl::string_view name) {
  for (const TaskInfo& task : Tasks()) {
    if (task.name == name) return &task;
  }
  return nullptr;
}

}  // namespace tweedie::cli
