#include "core/methods/make_method.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/methods/all_tasks.h"
#include "core/methods/reverse_loop.h"

namespace tweedie {
namespace {

// What every task needs.
struct Maker {
  const TaskContext& context;
  const std::shared_ptr<const DiffusionModel>& model;
  const at::Tensor& class_labels;
  const MethodState* saved;  // may be null

  template <typename SomeTask>
  absl::StatusOr<std::unique_ptr<Method>> operator()(const SomeTask& task) const {
    ReverseLoop::Options options;
    options.model = model;
    options.seed = context.seed;
    options.class_labels = class_labels;
    RETURN_IF_ERROR(SetUp(task, context, &options));
    return Build<ReverseLoop>(std::move(options));
  }

  absl::StatusOr<std::unique_ptr<Method>> operator()(const ReddiffTask& task) const {
    ASSIGN_OR_RETURN(Reddiff::Options options, OptionsOf(task, context, model, saved != nullptr));
    options.class_labels = class_labels;
    return Build<Reddiff>(std::move(options));
  }

  template <typename SomeMethod>
  absl::StatusOr<std::unique_ptr<Method>> Build(typename SomeMethod::Options options) const {
    if (saved != nullptr) return SomeMethod::Restore(std::move(options), *saved);
    return std::make_unique<SomeMethod>(std::move(options));
  }
};

// One label a row; undefined if there are none.
at::Tensor LabelTensor(const std::vector<int64_t>& labels, int64_t num_images) {
  if (labels.empty()) return at::Tensor();
  const at::Tensor tensor = at::tensor(at::ArrayRef<int64_t>(labels), at::kLong);
  return tensor.expand({num_images}).contiguous();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Method>> MakeMethod(const TaskSpec& spec,
                                                   std::shared_ptr<const DiffusionModel> model,
                                                   const MethodState* saved,
                                                   std::shared_ptr<const Measurement> measurement) {
  if (measurement == nullptr) {
    ASSIGN_OR_RETURN(measurement, MakeMeasurement(spec, *model));
  }
  ASSIGN_OR_RETURN(const TaskSpec resolved, ResolveTask(spec, *model, measurement));
  const TaskContext context = {*model, std::move(measurement), resolved.seed,
                               resolved.samples_per_image};
  const at::Tensor labels = LabelTensor(resolved.class_labels, NumImages(resolved));
  return std::visit(Maker{context, model, labels, saved}, resolved.task);
}

}  // namespace tweedie
