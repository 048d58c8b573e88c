// A client of the service at the command of bench/harness (commands.h).
//
//   connect ADDRESS        to a server, in place of the one before
//   run FILE INTERVAL      submits the jobs of FILE at once and watches each to its end,
//                          with frames every INTERVAL steps (0: none)
//   submit FILE COUNT      submits the first job of FILE so often, one after the other,
//                          and does not wait for them
//
// FILE has a JSON object a line: {"user": NAME, "request": CreateJobRequest}.
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <istream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/commands.h"
#include "bench/fail.h"
#include "bench/seconds.h"
#include "nlohmann/json.hpp"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct UserJob {
  std::string user;
  v1::CreateJobRequest request;
};

UserJob ParseJob(const std::string& line) {
  const json given = json::parse(line);
  UserJob job{.user = given.at("user"), .request = {}};
  const auto status =
      google::protobuf::util::JsonStringToMessage(given.at("request").dump(), &job.request);
  if (!status.ok()) Fail(std::string(status.message()));
  return job;
}

std::vector<UserJob> ReadJobs(const std::string& path) {
  std::ifstream file(path);
  std::vector<UserJob> jobs;
  for (std::string line; std::getline(file, line);) jobs.push_back(ParseJob(line));
  if (jobs.empty()) Fail("no jobs in " + path);
  return jobs;
}

// What one job's user saw; times in seconds from the beginning of the run.
struct Seen {
  double submitted = 0, ended = 0;
  int64_t events = 0, frames = 0;
};

class Client {
 public:
  Commands MakeCommands() {
    return {
        {"connect", [this](std::istream& words) { return Connect(words); }},
        {"run", [this](std::istream& words) { return Run(words); }},
        {"submit", [this](std::istream& words) { return Submit(words); }},
    };
  }

 private:
  json Connect(std::istream& words) {
    std::string address;
    words >> address;
    const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
      Fail("cannot connect to " + address);
    }
    stub_ = v1::Tweedie::NewStub(channel);
    return json::object();
  }

  json Run(std::istream& words) {
    std::string path;
    int interval = 0;
    words >> path >> interval;
    const std::vector<UserJob> jobs = ReadJobs(path);
    std::vector<Seen> seen(jobs.size());
    std::vector<std::thread> users;
    const auto begin = Clock::now();
    for (size_t i = 0; i < jobs.size(); ++i) {
      users.emplace_back([&, i] { seen[i] = FollowOne(jobs[i], interval, begin); });
    }
    for (std::thread& user : users) user.join();
    return Summary(seen, SecondsSince(begin));
  }

  static json Summary(const std::vector<Seen>& seen, double seconds) {
    json answer = {{"seconds", seconds}, {"events", 0}, {"frames", 0}};
    for (const Seen& job : seen) {
      answer["submitted_s"].push_back(job.submitted);
      answer["ended_s"].push_back(job.ended);
      answer["events"] = answer["events"].get<int64_t>() + job.events;
      answer["frames"] = answer["frames"].get<int64_t>() + job.frames;
    }
    return answer;
  }

  Seen FollowOne(const UserJob& job, int interval, Clock::time_point begin) {
    Seen seen;
    v1::WatchJobRequest watch;
    watch.set_name(Create(job));
    watch.set_frame_interval(interval);
    watch.mutable_progress_interval()->set_nanos(100000000);  // as tweedie's own clients do
    seen.submitted = SecondsSince(begin);
    grpc::ClientContext context;
    const auto reader = stub_->WatchJob(&context, watch);
    v1::Job::State state = v1::Job::QUEUED;
    for (v1::WatchJobResponse event; reader->Read(&event); ++seen.events) {
      if (event.has_job()) state = event.job().state();
      if (event.has_frame()) ++seen.frames;
    }
    if (!reader->Finish().ok() || state != v1::Job::SUCCEEDED) Fail(watch.name() + " failed");
    seen.ended = SecondsSince(begin);
    return seen;
  }

  std::string Create(const UserJob& job) {
    grpc::ClientContext context;
    context.AddMetadata("x-tweedie-creator", job.user);
    v1::Job created;
    const grpc::Status status = stub_->CreateJob(&context, job.request, &created);
    if (!status.ok()) Fail(status.error_message());
    return created.name();
  }

  json Submit(std::istream& words) {
    std::string path;
    int count = 0;
    words >> path >> count;
    const UserJob job = ReadJobs(path)[0];
    std::vector<double> times;
    for (int i = 0; i < count; ++i) {
      const auto begin = Clock::now();
      Create(job);
      times.push_back(1e3 * SecondsSince(begin));
    }
    return {{"ms", times}};
  }

  std::unique_ptr<v1::Tweedie::Stub> stub_;
};

}  // namespace
}  // namespace tweedie

int main() {
  tweedie::Client client;
  tweedie::Serve(client.MakeCommands());
  return 0;
}
