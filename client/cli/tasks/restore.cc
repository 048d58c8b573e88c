#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/measurement_options.h"
#include "client/cli/methods/methods.h"
#include "client/cli/tasks/tasks.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class RestoreOptions : public TaskOptions {
 public:
  explicit RestoreOptions(std::unique_ptr<MethodOptions> method) : method_(std::move(method)) {}

  void AddTo(CLI::App* command) override {
    AddMeasurementOptions(command, &measurement_);
    method_->AddTo(command);
  }

  absl::Status SetTask(v1::Job* job) const override {
    RETURN_IF_ERROR(method_->SetTask(measurement_, job));
    return AddReference(measurement_, job);
  }

  std::vector<std::string> truth() const override { return TruthFiles(measurement_); }

 private:
  const std::unique_ptr<MethodOptions> method_;
  MeasurementOptions measurement_;
};

}  // namespace

std::vector<TaskInfo> RestoreTasks() {
  std::vector<TaskInfo> tasks;
  for (const MethodInfo* method : Methods()) {
    tasks.push_back({method->name, method->about, method->example, [method] {
                       return std::make_unique<RestoreOptions>(method->make_options());
                     }});
  }
  return tasks;
}

}  // namespace tweedie::cli
