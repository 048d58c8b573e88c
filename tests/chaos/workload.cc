#include "tests/chaos/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/free_port.h"
#include "tests/testing/running_server.h"
#include "tests/testing/watch_history.h"
#include "tests/testing/watch_rules.h"

namespace tweedie {
namespace {

// Waits a little before another try; false once nothing has gone on for long.
class Patience {
 public:
  Patience() { Renew(); }
  bool BackOff() {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return std::chrono::steady_clock::now() < end_;
  }
  // It went on.
  void Renew() { end_ = std::chrono::steady_clock::now() + std::chrono::minutes(10); }

 private:
  std::chrono::steady_clock::time_point end_;
};

}  // namespace

int ChaosCount(int otherwise) {
  const char* text = std::getenv("TWEEDIE_CHAOS_COUNT");
  return text == nullptr ? otherwise : std::atoi(text);
}

std::string JobName(int i) { return absl::StrCat("jobs/job-", i); }

std::vector<v1::CreateJobRequest> Workload(int count, int longest_steps) {
  std::vector<v1::CreateJobRequest> requests = MixedRequests(count, longest_steps);
  for (int i = 0; i < count; ++i) requests[i] = Repeated(requests, i);
  return requests;
}

v1::CreateJobRequest Repeated(const std::vector<v1::CreateJobRequest>& workload, int i) {
  v1::CreateJobRequest request = workload[i % workload.size()];
  request.set_job_id(absl::StrCat("job-", i));
  request.set_request_id(RequestId(i));
  return request;
}

std::vector<std::string> UndisturbedResults(const std::vector<v1::CreateJobRequest>& requests) {
  RunningServer server;
  TestClient& client = server.client();
  std::vector<std::string> results(requests.size());
  for (const auto& request : requests) {
    v1::Job job;
    const grpc::Status status = client.Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    v1::Job job;
    EXPECT_TRUE(client.WaitForEnd(JobName(static_cast<int>(i)), &job).ok());
    EXPECT_TRUE(client.Images(JobName(static_cast<int>(i)), &results[i]).ok());
  }
  EXPECT_EQ(server.Terminate(), 0);
  return results;
}

Victim::Victim(std::vector<std::string> more) : more_(std::move(more)) {
  Start(absl::StrCat("127.0.0.1:", FreePort()));
}

void Victim::KillAndRestart() {
  server_->Kill();
  Start(address_);
}

void Victim::TerminateAndRestart() {
  ASSERT_EQ(server_->Stop(SIGTERM), 0);
  Start(address_);
}

void Victim::KillAndForget() {
  server_->Kill();
  data_ = std::make_unique<TempFolder>();
  Start(address_);
}

void Victim::Suspend(std::chrono::milliseconds duration) const {
  kill(server_->pid(), SIGSTOP);
  std::this_thread::sleep_for(duration);  // the fault
  kill(server_->pid(), SIGCONT);
}

void Victim::Start(const std::string& listen) {
  std::vector<std::string> arguments = ServerArguments(data_->path(), {"--listen", listen});
  arguments.insert(arguments.end(), more_.begin(), more_.end());
  std::string log;
  server_ = ServerProcess::Start(TWEEDIED, arguments, &log);
  ASSERT_NE(server_, nullptr) << log;
  address_ = server_->address();
}

PatientClients::PatientClients(const std::vector<std::string>& servers)
    : sees_every_state_(servers.size() == 1) {
  for (const std::string& server : servers) {
    clients_.push_back(std::make_unique<TestClient>(server));
  }
}

void PatientClients::Create(size_t first, const v1::CreateJobRequest& request) {
  Patience patience;
  for (size_t i = first;; ++i) {
    v1::Job job;
    const grpc::Status status = at(i).Create(request, &job);
    if (status.ok()) return;
    ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    ASSERT_TRUE(patience.BackOff()) << "no server took " << request.job_id();
  }
}

void PatientClients::Watch(size_t first, const std::string& name) {
  v1::Job job;
  const grpc::Status status = WatchToEnd(first, name, &job);
  EXPECT_TRUE(status.ok()) << name << ": " << status.error_message();
}

grpc::Status PatientClients::WatchToEnd(size_t first, const std::string& name, v1::Job* job) {
  WatchHistory history(name);
  Patience patience;
  grpc::Status status;
  for (size_t i = first; !history.ended(); ++i) {
    v1::WatchJobRequest request;
    request.set_name(name);
    request.set_after_sequence(history.last_sequence());
    history.Open(request);
    status = at(i).Watch(request, [&](const v1::WatchJobResponse& event) {
      history.Receive(event);
      if (event.has_job()) *job = event.job();
      patience.Renew();
      return true;
    });
    history.End(status);
    const bool broken = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                        status.error_code() == grpc::StatusCode::CANCELLED;
    if (!history.ended() && (!broken || !patience.BackOff())) break;
  }
  EXPECT_THAT(Violations(history, {.sees_every_state = sees_every_state_}), ::testing::IsEmpty());
  return history.ended() ? grpc::Status::OK : status;
}

std::string PatientClients::Deviation(const std::string& name, const std::string& expected) {
  v1::Job job;
  const grpc::Status watched = WatchToEnd(0, name, &job);
  if (!watched.ok()) return absl::StrCat(name, ": ", watched.error_message());
  if (job.state() != v1::Job::SUCCEEDED) return job.ShortDebugString();
  std::string result;
  const grpc::Status read = at(0).Images(name, &result);
  if (!read.ok()) return absl::StrCat(name, ": ", read.error_message());
  return result == expected ? "" : absl::StrCat(name, ": not the bits of the undisturbed run");
}

std::vector<std::string> PatientClients::Deviations(const std::vector<std::string>& expected,
                                                    int jobs) {
  std::vector<std::string> deviations;
  for (int i = 0; i < std::max(jobs, static_cast<int>(expected.size())); ++i) {
    const std::string deviation = Deviation(JobName(i), expected[i % expected.size()]);
    if (!deviation.empty()) deviations.push_back(deviation);
  }
  return deviations;
}

std::optional<int> PatientClients::CountUnfinished(size_t client) {
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  request.mutable_filter()->add_states(v1::Job::QUEUED);
  request.mutable_filter()->add_states(v1::Job::RUNNING);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::ListJobsResponse page;
  if (!at(client).stub().ListJobs(&context, request, &page).ok()) return std::nullopt;
  return page.jobs_size();
}

Load::Load(PatientClients& clients, const std::vector<v1::CreateJobRequest>& workload)
    : clients_(clients), workload_(workload) {
  for (int c = 0; c < 4; ++c) {
    threads_.emplace_back([this, c] { Submit(c); });
    threads_.emplace_back([this, c] { Watch(c); });
  }
}

Load::~Load() { Join(); }

void Load::Submit(int client) {
  std::mt19937 random(client);
  while (const std::optional<int> i = NextRequest(client, random)) {
    clients_.Create(client, Repeated(workload_, *i));
    Acknowledged(*i);
    // At a pace: the machine is to run jobs as well.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void Load::Watch(int client) {
  while (const std::optional<int> i = NextToWatch()) clients_.Watch(client, JobName(*i));
}

std::optional<int> Load::NextRequest(int client, std::mt19937& random) {
  const std::optional<int> in_flight = clients_.CountUnfinished(client);
  const std::lock_guard lock(mu_);
  if (stopping_) return std::nullopt;
  in_flight_ = in_flight.value_or(0);
  const bool wants_more = in_flight.has_value() && *in_flight < kInFlight;
  if (acknowledged_.empty() || wants_more) return created_++;
  return acknowledged_[random() % acknowledged_.size()];
}

std::optional<int> Load::NextToWatch() {
  std::unique_lock lock(mu_);
  const auto is_new = [this] {
    return !acknowledged_.empty() && acknowledged_.back() > last_watched_;
  };
  changed_.wait(lock, [&] { return stopping_ || is_new(); });
  if (stopping_) return std::nullopt;
  return last_watched_ = acknowledged_.back();
}

void Load::Acknowledged(int request) {
  const std::lock_guard lock(mu_);
  const bool known =
      std::find(acknowledged_.begin(), acknowledged_.end(), request) != acknowledged_.end();
  if (!known) acknowledged_.push_back(request);
  answers_.push_back(std::chrono::steady_clock::now());
  changed_.notify_all();
}

bool Load::HasTraffic() {
  const auto a_second_ago = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  while (!answers_.empty() && answers_.front() < a_second_ago) answers_.pop_front();
  return in_flight_ >= kInFlight && answers_.size() >= kSubmitsPerSecond;
}

bool Load::AwaitTraffic() {
  std::unique_lock lock(mu_);
  return changed_.wait_for(lock, std::chrono::minutes(1), [this] { return HasTraffic(); });
}

int Load::Join() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return created_;
}

}  // namespace tweedie
