#include "server/convert/task_tensors.h"

#include <variant>

#include "core/methods/make_method.h"
#include "server/convert/operator_proto.h"

namespace tweedie {
namespace {

void AddOperatorTensor(OperatorSpec* spec, std::vector<TaskTensor>* tensors) {
  at::Tensor* tensor = TensorOf(spec);
  if (tensor == nullptr) return;
  const bool kernel = std::holds_alternative<BlurSpec>(*spec);
  tensors->push_back({kernel ? "operator_kernel" : "operator_mask", tensor});
}

void AddTensors(MeasurementSpec* measurement, std::vector<TaskTensor>* tensors) {
  tensors->push_back({"y", &measurement->y});
  tensors->push_back({"simulate_from", &measurement->simulate_from, /*images=*/true});
  AddOperatorTensor(&measurement->forward_operator, tensors);
}

void AddTensors(SampleTask*, std::vector<TaskTensor>*) {}

void AddTensors(DenoiseTask* task, std::vector<TaskTensor>* tensors) {
  tensors->push_back({"images", &task->images, /*images=*/true});
}

void AddTensors(SdeditTask* task, std::vector<TaskTensor>* tensors) {
  tensors->push_back({"guide", &task->guide, /*images=*/true});
  tensors->push_back({"keep_mask", &task->keep_mask});
  if (task->measurement.has_value()) AddTensors(&*task->measurement, tensors);
}

template <typename RestorationTask>
void AddTensors(RestorationTask* task, std::vector<TaskTensor>* tensors) {
  AddTensors(&task->measurement, tensors);
}

MeasurementSpec* MeasurementIn(SampleTask*) { return nullptr; }
MeasurementSpec* MeasurementIn(DenoiseTask*) { return nullptr; }
MeasurementSpec* MeasurementIn(SdeditTask* task) {
  return task->measurement.has_value() ? &*task->measurement : nullptr;
}
template <typename RestorationTask>
MeasurementSpec* MeasurementIn(RestorationTask* task) {
  return &task->measurement;
}

std::string MissingOf(MeasurementSpec measurement) {
  if (measurement.y.defined() == measurement.simulate_from.defined()) {
    return "not one of y and simulate_from";
  }
  const at::Tensor* tensor = TensorOf(&measurement.forward_operator);
  return tensor == nullptr || tensor->defined() ? "" : "no mask or kernel";
}

}  // namespace

std::vector<TaskTensor> TensorsOf(Task* task) {
  std::vector<TaskTensor> tensors;
  std::visit([&tensors](auto& kind) { AddTensors(&kind, &tensors); }, *task);
  return tensors;
}

MeasurementSpec* MutableMeasurementOf(Task* task) {
  return std::visit([](auto& kind) { return MeasurementIn(&kind); }, *task);
}

at::Tensor OwnReference(const TaskSpec& spec) {
  const auto* denoise = std::get_if<DenoiseTask>(&spec.task);
  if (denoise != nullptr && denoise->add_noise) return denoise->images;
  const MeasurementSpec* measurement = MeasurementOf(spec);
  return measurement == nullptr ? at::Tensor() : measurement->simulate_from;
}

std::string MissingTensors(const TaskSpec& spec) {
  const auto* denoise = std::get_if<DenoiseTask>(&spec.task);
  if (denoise != nullptr) return denoise->images.defined() ? "" : "no images";
  if (const MeasurementSpec* measurement = MeasurementOf(spec)) return MissingOf(*measurement);
  const auto* sdedit = std::get_if<SdeditTask>(&spec.task);
  return sdedit == nullptr || sdedit->guide.defined() ? "" : "no guide";
}

}  // namespace tweedie
