#include "tests/testing/inverse_requests.h"

#include <functional>

#include "tests/testing/test_client.h"

namespace tweedie {
namespace {

v1::CreateJobRequest EmptyRequest(uint64_t seed) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model("models/fashion-mnist-32");
  request.mutable_job()->set_seed(seed);
  return request;
}

// A task's measurement and steps.
template <typename TaskMessage>
void Fill(TaskMessage* task, int num_images, int num_steps) {
  *task->mutable_measurement() = HalfMissing(num_images);
  task->mutable_process()->set_num_steps(num_steps);
}

}  // namespace

v1::Measurement HalfMissing(int num_images) {
  v1::Measurement measurement;
  measurement.mutable_forward_operator()->mutable_inpainting()->set_random_fraction(0.5);
  *measurement.mutable_simulate_from() = SmoothImages(num_images, 0);
  return measurement;
}

v1::CreateJobRequest DpsRequest(int num_images, int num_steps, uint64_t seed) {
  v1::CreateJobRequest request = EmptyRequest(seed);
  Fill(request.mutable_job()->mutable_dps(), num_images, num_steps);
  return request;
}

v1::CreateJobRequest SdeditRequest(int num_images, int num_steps, uint64_t seed) {
  v1::CreateJobRequest request = EmptyRequest(seed);
  v1::SdeditTask* task = request.mutable_job()->mutable_sdedit();
  *task->mutable_guide() = SmoothImages(num_images, 1);
  task->mutable_process()->set_num_steps(num_steps);
  return request;
}

std::vector<NamedRequest> EveryMeasuredTask(int num_images, int num_steps) {
  const auto request = [=](auto mutable_task) {
    v1::CreateJobRequest made = EmptyRequest(1);
    Fill(mutable_task(made.mutable_job()), num_images, num_steps);
    return made;
  };
  std::vector<NamedRequest> all = {
      {"sdedit", request([](v1::Job* j) { return j->mutable_sdedit(); })},
      {"ald", request([](v1::Job* j) { return j->mutable_ald(); })},
      {"dps", request([](v1::Job* j) { return j->mutable_dps(); })},
      {"ddnm", request([](v1::Job* j) { return j->mutable_ddnm(); })},
      {"ddrm", request([](v1::Job* j) { return j->mutable_ddrm(); })},
      {"pigdm", request([](v1::Job* j) { return j->mutable_pigdm(); })},
      {"diffpir", request([](v1::Job* j) { return j->mutable_diffpir(); })},
      {"reddiff", request([](v1::Job* j) { return j->mutable_reddiff(); })},
      {"repaint", request([](v1::Job* j) { return j->mutable_repaint(); })}};
  all.front().request.mutable_job()->mutable_sdedit()->set_keep_measured(true);
  all.back().request.mutable_job()->mutable_repaint()->set_num_resamples(2);
  return all;
}

}  // namespace tweedie
