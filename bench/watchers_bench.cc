// What watchers cost (reliability.md, R8, R22): many watchers with frames on one job, some
// of which never read, against the same server with the same connections idle: its
// memory, the time of a step, how late healthy watchers' events come, and who is told the
// end. And how long CreateJob takes while the engine uses all cores, against an idle server.
//
// This process is the clients; the server is one of its own, on the same machine: what the
// clients use of its cores is in the figures, unless --apart=1 gives one core to the engine
// alone and the others to the clients and to all that the server does beside it.
//
// build/release/bench/watchers_bench [--option=VALUE ...], see Options
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bench/cores.h"
#include "bench/fail.h"
#include "bench/watch_crowd.h"
#include "nlohmann/json.hpp"
#include "tests/testing/free_port.h"
#include "tests/testing/process_figures.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_client.h"

namespace tweedie {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

struct Options {
  std::map<std::string, int> numbers;
  std::string json;                 // a file to write the figures to
  std::string tweedied = TWEEDIED;  // the server

  int at(const std::string& name) const { return numbers.at(name); }
};

std::map<std::string, int> Defaults() {
  return {
      {"watchers", 1000}, {"connections", 1000}, {"silent-of", 10},  // one in so many never reads
      {"steps", 1000},    {"images", 16},        {"frame-interval", 10},
      {"threads", 1},    // of the engine, while there are watchers
      {"creates", 500},  // submits that are timed
      {"apart", 0},
  };
}

Options ReadOptions(int argc, char** argv) {
  Options options{.numbers = Defaults()};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const bool is_option = argument.rfind("--", 0) == 0 && equals != std::string::npos;
    if (!is_option) Fail("options are --NAME=VALUE");
    const std::string name = argument.substr(2, equals - 2);
    const std::string value = argument.substr(equals + 1);
    if (name == "json") {
      options.json = value;
    } else if (name == "tweedied") {
      options.tweedied = value;
    } else if (!options.numbers.contains(name) ||
               !absl::SimpleAtoi(value, &options.numbers[name])) {
      Fail("no option " + argument);
    }
  }
  return options;
}

// A server on data of its own.
class MeasuredServer {
 public:
  MeasuredServer(const Options& options, int threads) : http_(FreePort()) {
    std::string log;
    process_ = ServerProcess::Start(
        options.tweedied,
        {"--data-dir", data_.path(), "--models-dir", TWEEDIE_SOURCE_DIR "/models", "--listen",
         "127.0.0.1:0", "--http", absl::StrCat("127.0.0.1:", http_), "--log-level", "warning",
         "--threads", absl::StrCat(threads), "--max-queued-jobs", "100000",
         "--max-queued-jobs-per-creator", "100000"},
        &log);
    if (process_ == nullptr) Fail(log);
    client_ = std::make_unique<TestClient>(process_->address());
  }
  const std::string& address() const { return process_->address(); }
  TestClient& client() { return *client_; }
  pid_t pid() const { return process_->pid(); }
  double resident_mebibytes() const {
    return static_cast<double>(ResidentBytesOf(process_->pid())) / (1 << 20);
  }
  std::map<std::string, double> metrics() const { return ParseMetrics(HttpGet(http_, "/metrics")); }
  std::string Create(const v1::CreateJobRequest& request) {
    v1::Job job;
    const grpc::Status status = client_->Create(request, &job);
    if (!status.ok()) Fail(status.error_message());
    return job.name();
  }

 private:
  const TempFolder data_;
  const int http_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

// The most that the server has held since it began to look.
class MemoryPeak {
 public:
  explicit MemoryPeak(const MeasuredServer& server)
      : thread_([this, &server] {
          while (!stopping_) {
            peak_ = std::max(peak_.load(), server.resident_mebibytes());
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
          }
        }) {}
  double Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return peak_;
  }
  ~MemoryPeak() { Stop(); }

 private:
  std::atomic<bool> stopping_ = false;
  std::atomic<double> peak_ = 0;
  std::thread thread_;
};

// Of one job that ran alone.
struct Run {
  double step_ms = 0;         // of the engine's calls, the mean
  double median_step_ms = 0;  // from the end of a step to that of the next
  double peak_mebibytes = 0;
};

double MillisecondsOf(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) * 1e3 + time.nanos() / 1e6;
}

double Median(std::vector<double> values) {
  if (values.empty()) Fail("the run is void: too few steps were seen");
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Watches to the end, without frames: the times between neighbouring steps.
std::vector<double> StepTimes(TestClient& client, const std::string& name) {
  std::vector<double> times;
  v1::WatchJobRequest request;
  request.set_name(name);
  int step = 0;
  double last = 0;
  const grpc::Status status = client.Watch(request, [&](const v1::WatchJobResponse& event) {
    if (!event.has_progress()) return true;
    const double now = MillisecondsOf(event.event_time());
    if (event.progress().step() == step + 1 && last > 0) times.push_back(now - last);
    step = event.progress().step();
    last = now;
    return true;
  });
  if (!status.ok()) Fail(status.error_message());
  return times;
}

// `meanwhile` is done once the job is there.
Run RunJob(MeasuredServer& server, int images, int steps,
           const std::function<void(const std::string&)>& meanwhile) {
  const auto before = server.metrics();
  MemoryPeak peak(server);
  const std::string name = server.Create(SampleRequest(images, steps, 1));
  meanwhile(name);
  Run run;
  run.median_step_ms = Median(StepTimes(server.client(), name));
  run.peak_mebibytes = peak.Stop();
  const auto after = server.metrics();
  // In all calls, whatever their rows; those of new sizes are not there before.
  const auto grown = [&](absl::string_view what) {
    double sum = 0;
    for (const auto& [name, value] : after) sum += absl::StartsWith(name, what) ? value : 0;
    for (const auto& [name, value] : before) sum -= absl::StartsWith(name, what) ? value : 0;
    return sum;
  };
  run.step_ms = 1e3 * grown("tweedie_step_seconds_sum") / grown("tweedie_step_seconds_count");
  return run;
}

void MeasureWatchers(const Options& options, nlohmann::json& report) {
  MeasuredServer server(options, options.at("threads"));
  WatchCrowd crowd(server.address(), options.at("connections"));
  if (!crowd.connected()) Fail("cannot connect");
  RunJob(server, options.at("images"), 20, [](const std::string&) {});
  if (options.at("apart") != 0 && !GiveTheFirstCoreToTheEngine(server.pid())) {
    Fail("cannot give the engine a core");
  }
  const Run idle =
      RunJob(server, options.at("images"), options.at("steps"), [](const std::string&) {});
  const Run watched =
      RunJob(server, options.at("images"), options.at("steps"), [&](const std::string& name) {
        v1::WatchJobRequest request;
        request.set_name(name);
        request.set_frame_interval(options.at("frame-interval"));
        crowd.Watch(request, options.at("watchers"), options.at("silent-of"));
      });
  const bool all_ended = crowd.AwaitEnds(120);
  const WatchCrowd::Figures figures = crowd.figures();
  report["watchers"] = {
      {"memory_growth_mebibytes", watched.peak_mebibytes - idle.peak_mebibytes},
      {"idle_mebibytes", idle.peak_mebibytes},
      {"step_ms_idle", idle.step_ms},
      {"step_ms_watched", watched.step_ms},
      {"step_growth_percent", 100 * (watched.step_ms / idle.step_ms - 1)},
      {"median_step_ms_idle", idle.median_step_ms},
      {"median_step_ms_watched", watched.median_step_ms},
      {"median_step_growth_percent", 100 * (watched.median_step_ms / idle.median_step_ms - 1)},
      {"delay_ms_p50", crowd.delays().Percentile(0.5)},
      {"delay_ms_p99", crowd.delays().Percentile(0.99)},
      {"events", figures.events},
      {"frames", figures.frames},
      {"skipped", figures.skipped},
      {"readers", figures.readers},
      {"readers_told_the_end", all_ended ? figures.told_the_end : 0}};
}

// Submits jobs of one step; `between` is done after each.
void TimeCreates(MeasuredServer& server, int count, Delays& delays,
                 const std::function<void(const std::string&)>& between) {
  for (int i = 0; i < count; ++i) {
    v1::CreateJobRequest request = SampleRequest(1, 1, i);
    request.mutable_job()->set_priority(v1::Job::BATCH);
    const auto start = std::chrono::steady_clock::now();
    const std::string name = server.Create(request);
    delays.Add(Milliseconds(std::chrono::steady_clock::now() - start).count());
    between(name);
  }
}

void MeasureCreates(const Options& options, nlohmann::json& report) {
  MeasuredServer server(options,
                        static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  Delays idle, busy;
  TimeCreates(server, options.at("creates"), idle, [&](const std::string& name) {
    v1::Job job;
    (void)server.client().WaitForEnd(name, &job);
  });
  v1::CreateJobRequest endless = SampleRequest(64, 1000, 1);
  const std::string name = server.Create(endless);
  if (!server.client().WaitForStep(name, 2).ok()) Fail("the job does not run");
  TimeCreates(server, options.at("creates"), busy, [](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  v1::Job job;
  if (!server.client().Get(name, &job).ok() || HasEnded(job.state())) {
    Fail("the run is void: the engine was idle");
  }
  report["create_job"] = {{"idle_ms_p50", idle.Percentile(0.5)},
                          {"idle_ms_p99", idle.Percentile(0.99)},
                          {"busy_ms_p50", busy.Percentile(0.5)},
                          {"busy_ms_p99", busy.Percentile(0.99)},
                          {"ratio_p50", busy.Percentile(0.5) / idle.Percentile(0.5)},
                          {"ratio_p99", busy.Percentile(0.99) / idle.Percentile(0.99)}};
}

void Print(const nlohmann::json& report, const std::string& json_path) {
  for (const auto& [part, figures] : report.items()) {
    std::printf("%s\n", part.c_str());
    for (const auto& [name, value] : figures.items()) {
      std::printf("  %-28s %12.2f\n", name.c_str(), value.get<double>());
    }
  }
  if (json_path.empty()) return;
  std::ofstream file(json_path);
  file << report.dump(2) << "\n";
  if (!file.good()) Fail("cannot write " + json_path);
}

int Main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  nlohmann::json report;
  report["options"] = options.numbers;
  if (options.at("apart") != 0 && !LeaveTheFirstCore()) Fail("needs two cores");
  if (options.at("watchers") > 0) MeasureWatchers(options, report);
  if (options.at("creates") > 0) MeasureCreates(options, report);
  Print(report, options.json);
  return 0;
}

}  // namespace
}  // namespace tweedie

int main(int argc, char** argv) { return tweedie::Main(argc, argv); }
