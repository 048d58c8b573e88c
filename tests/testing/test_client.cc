#include "tests/testing/test_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "tests/testing/watch_history.h"
#include "tests/testing/watch_rules.h"

namespace tweedie {

bool HasEnded(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED;
}

std::string RequestId(int i) {
  char id[37];
  std::snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012d", i);
  return id;
}

grpc::Status TestClient::Create(const v1::CreateJobRequest& request, v1::Job* job) {
  grpc::ClientContext context;
  return stub_->CreateJob(&context, request, job);
}

grpc::Status TestClient::Get(const std::string& name, v1::Job* job) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_name(name);
  return stub_->GetJob(&context, request, job);
}

grpc::Status TestClient::Cancel(const std::string& name, v1::Job* job) {
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_name(name);
  return stub_->CancelJob(&context, request, job);
}

grpc::Status TestClient::Delete(const std::string& name) {
  grpc::ClientContext context;
  v1::DeleteJobRequest request;
  request.set_name(name);
  google::protobuf::Empty empty;
  return stub_->DeleteJob(&context, request, &empty);
}

std::vector<v1::Job> TestClient::ListAll(const v1::JobFilter& filter) {
  std::vector<v1::Job> jobs;
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  *request.mutable_filter() = filter;
  do {
    grpc::ClientContext context;
    v1::ListJobsResponse page;
    const grpc::Status status = stub_->ListJobs(&context, request, &page);
    EXPECT_TRUE(status.ok()) << status.error_message();
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return jobs;
}

grpc::Status TestClient::Watch(const v1::WatchJobRequest& request,
                               const std::function<bool(const v1::WatchJobResponse&)>& on_event) {
  WatchHistory history(request.name());
  history.Open(request);
  grpc::ClientContext context;
  auto reader = stub_->WatchJob(&context, request);
  v1::WatchJobResponse response;
  bool wants_more = true;
  while (reader->Read(&response)) {
    history.Receive(response);
    if (!wants_more || on_event(response)) continue;
    wants_more = false;
    history.Leave();
    context.TryCancel();
  }
  const grpc::Status status = reader->Finish();
  history.End(status);
  EXPECT_THAT(Violations(history, {.sees_every_state = false}), ::testing::IsEmpty());
  return wants_more ? status : grpc::Status::OK;
}

grpc::Status TestClient::WaitForEnd(const std::string& name, v1::Job* job) {
  v1::WatchJobRequest request;
  request.set_name(name);
  return Watch(request, [job](const v1::WatchJobResponse& event) {
    if (event.has_job()) *job = event.job();
    return true;
  });
}

grpc::Status TestClient::WaitForStep(const std::string& name, int step) {
  v1::WatchJobRequest request;
  request.set_name(name);
  return Watch(request, [step](const v1::WatchJobResponse& event) {
    return !(event.has_progress() && event.progress().step() >= step);
  });
}

grpc::Status TestClient::Images(const std::string& name, std::string* bytes) {
  grpc::ClientContext context;
  v1::ReadJobImagesRequest request;
  request.set_name(name);
  request.set_format(v1::IMAGE_FORMAT_TENSOR_FLOAT32);
  auto reader = stub_->ReadJobImages(&context, request);
  v1::ReadJobImagesResponse response;
  bytes->clear();
  while (reader->Read(&response)) *bytes += response.images().tensor().data();
  return reader->Finish();
}

v1::Images SmoothImages(int count, int variant) {
  constexpr int kSide = 32;
  std::vector<float> pixels;
  for (int i = 0; i < count; ++i) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        pixels.push_back(static_cast<float>(std::sin(0.2 * (x + variant) + 0.3 * (y + i))));
      }
    }
  }
  v1::Images images;
  v1::Tensor& tensor = *images.mutable_tensor();
  tensor.set_data_type(v1::Tensor::FLOAT32);
  for (const int64_t size : {count, 1, kSide, kSide}) tensor.add_shape(size);
  tensor.set_data(pixels.data(), pixels.size() * sizeof(float));
  return images;
}

v1::CreateJobRequest SampleRequest(int num_images, int num_steps, uint64_t seed) {
  v1::CreateJobRequest request;
  v1::Job& job = *request.mutable_job();
  job.set_model("models/fashion-mnist-32");
  job.set_seed(seed);
  job.mutable_sample()->set_num_images(num_images);
  job.mutable_sample()->mutable_process()->set_num_steps(num_steps);
  return request;
}

v1::CreateJobRequest DenoiseRequest(int num_images, int timestep, uint64_t seed) {
  v1::CreateJobRequest request;
  v1::Job& job = *request.mutable_job();
  job.set_model("models/fashion-mnist-32");
  job.set_seed(seed);
  *job.mutable_denoise()->mutable_images() = SmoothImages(num_images, static_cast<int>(seed));
  job.mutable_denoise()->set_timestep(timestep);
  job.mutable_denoise()->set_add_noise(true);
  return request;
}

std::vector<v1::CreateJobRequest> MixedRequests(int count, int longest_steps) {
  std::mt19937 random(7);
  std::vector<v1::CreateJobRequest> requests;
  for (int i = 0; i < count; ++i) {
    const int steps = 1 + static_cast<int>(random() % longest_steps);
    const int images = 1 + static_cast<int>(random() % 3);
    v1::CreateJobRequest request =
        i % 5 < 3 ? SampleRequest(images, steps, i) : DenoiseRequest(images, 100 + 7 * i % 800, i);
    v1::Job& job = *request.mutable_job();
    v1::ReverseProcess* process =
        job.has_sample() ? job.mutable_sample()->mutable_process() : nullptr;
    if (i % 5 == 4) {
      process = job.mutable_denoise()->mutable_process();
      process->set_num_steps(std::min(steps, job.denoise().timestep() + 1));
    }
    if (process != nullptr && i % 3 == 1) process->set_kind(v1::ReverseProcess::DDIM);
    if (i % 5 == 2) process->set_kind(v1::ReverseProcess::DPM_SOLVER_PP_2M);
    job.set_priority(static_cast<v1::Job::Priority>(1 + i % 3));
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace tweedie
