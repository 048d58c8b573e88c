#ifndef TWEEDIE_TESTS_UNIT_CONVERT_MEASURED_REQUESTS_H_
#define TWEEDIE_TESTS_UNIT_CONVERT_MEASURED_REQUESTS_H_

#include <functional>
#include <string>
#include <vector>

#include "server/convert/task_inputs.h"
#include "tests/unit/convert/job_requests.h"

namespace tweedie {

// A FLOAT32 tensor of `shape` whose elements are all `value`.
inline v1::Tensor Filled(const std::vector<int64_t>& shape, float value) {
  v1::Tensor tensor;
  tensor.set_data_type(v1::Tensor::FLOAT32);
  size_t count = 1;
  for (const int64_t size : shape) {
    tensor.add_shape(size);
    count *= static_cast<size_t>(size);
  }
  const std::vector<float> values(count, value);
  tensor.set_data(values.data(), count * sizeof(float));
  return tensor;
}

// Box inpainting with noise, simulated from `count` images.
inline v1::Measurement BoxMeasurement(int count = 2) {
  v1::Measurement measurement;
  auto* box = measurement.mutable_forward_operator()->mutable_inpainting()->mutable_box();
  box->set_top(8);
  box->set_left(4);
  box->set_height(10);
  box->set_width(12);
  measurement.mutable_noise()->set_gaussian_sigma(0.05);
  *measurement.mutable_simulate_from() = FloatImages(count);
  return measurement;
}

// The field `measurement` of the task that is set in `job`.
inline v1::Measurement* MutableMeasurement(v1::Job* job) {
  return const_cast<v1::Measurement*>(MeasurementOf(*job));
}

// A task with a measurement, by its field in `Job`.
struct MeasuredTask {
  const char* field;
  std::function<v1::Measurement*(v1::Job*)> add;  // sets the task; its measurement
};

inline std::vector<MeasuredTask> MeasuredTasks() {
  return {{"sdedit", [](v1::Job* j) { return j->mutable_sdedit()->mutable_measurement(); }},
          {"ald", [](v1::Job* j) { return j->mutable_ald()->mutable_measurement(); }},
          {"dps", [](v1::Job* j) { return j->mutable_dps()->mutable_measurement(); }},
          {"ddnm", [](v1::Job* j) { return j->mutable_ddnm()->mutable_measurement(); }},
          {"ddrm", [](v1::Job* j) { return j->mutable_ddrm()->mutable_measurement(); }},
          {"pigdm", [](v1::Job* j) { return j->mutable_pigdm()->mutable_measurement(); }},
          {"diffpir", [](v1::Job* j) { return j->mutable_diffpir()->mutable_measurement(); }},
          {"reddiff", [](v1::Job* j) { return j->mutable_reddiff()->mutable_measurement(); }},
          {"repaint", [](v1::Job* j) { return j->mutable_repaint()->mutable_measurement(); }}};
}

// `task` on box inpainting of `count` images, without noise, which all serve.
inline v1::CreateJobRequest MeasuredRequest(const MeasuredTask& task, int count = 2) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model(kModel);
  v1::Measurement* measurement = task.add(request.mutable_job());
  *measurement = BoxMeasurement(count);
  measurement->clear_noise();
  return request;
}

inline v1::CreateJobRequest DpsRequest(int count = 2) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model(kModel);
  *request.mutable_job()->mutable_dps()->mutable_measurement() = BoxMeasurement(count);
  return request;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_CONVERT_MEASURED_REQUESTS_H_
