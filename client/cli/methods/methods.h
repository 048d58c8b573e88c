#ifndef TWEEDIE_CLIENT_CLI_METHODS_METHODS_H_
#define TWEEDIE_CLIENT_CLI_METHODS_METHODS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cli/measurement_options.h"
#include "tweedie/v1/job.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// The options of one method for inverse problems, as typed.
class MethodOptions {
 public:
  virtual ~MethodOptions() = default;
  // Declares them. They must outlive `command`.
  virtual void AddTo(CLI::App* command) = 0;
  // Sets the job's task: the method, for `measurement`.
  virtual absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const = 0;
};

// One method.
struct MethodInfo {
  const char* name;     // of its command, and of its task in the API
  const char* about;    // in a line
  const char* example;  // of a command line
  std::unique_ptr<MethodOptions> (*make_options)();
};

// One file each.
extern const MethodInfo kSdedit;
extern const MethodInfo kAld;
extern const MethodInfo kDps;
extern const MethodInfo kDdnm;
extern const MethodInfo kDdrm;
extern const MethodInfo kPigdm;
extern const MethodInfo kDiffpir;
extern const MethodInfo kReddiff;
extern const MethodInfo kRepaint;

// All of them, in the order of the manual.
std::vector<const MethodInfo*> Methods();

// The method of this name, or null.
const MethodInfo* FindMethod(absl::string_view name);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_METHODS_METHODS_H_
