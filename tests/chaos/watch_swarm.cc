#include "tests/chaos/watch_swarm.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/watch_rules.h"

namespace tweedie {
namespace {

constexpr std::chrono::seconds kPatience(60);
constexpr int kWatchersAConnection = 50;  // of 128 streams that one takes

// Streams hold little on the way, so that one that is not read is merged soon.
std::shared_ptr<grpc::Channel> MakeConnection(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 8192);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// One of eight forms.
v1::WatchJobRequest FormOf(int watcher) {
  v1::WatchJobRequest request;
  const int form = watcher % 8;
  if (form < 2) return request;  // no frames
  request.set_frame_interval(form < 5 ? 1 : form);
  if (form % 2 == 0) request.add_frame_kinds(v1::Frame::X0_HAT);
  if (form % 3 != 0) request.add_frame_kinds(v1::Frame::X_T);
  constexpr v1::ImageFormat kFormats[] = {v1::IMAGE_FORMAT_UNSPECIFIED, v1::IMAGE_FORMAT_PNG,
                                          v1::IMAGE_FORMAT_TENSOR_UINT8};
  request.set_frame_format(kFormats[form % 3]);
  request.set_max_frame_images(form % 3);
  return request;
}

// One of four.
v1::WatchJobsRequest JobsFormOf(int watcher) {
  v1::WatchJobsRequest request;
  request.set_include_progress(watcher % 2 == 0);
  if (watcher % 4 >= 2) {
    request.mutable_filter()->add_states(v1::Job::QUEUED);
    request.mutable_filter()->add_states(v1::Job::RUNNING);
  }
  return request;
}

}  // namespace

// --- Jobs -------------------------------------------------------------------

LiveJobs::LiveJobs(PatientClients* clients, int run, int count)
    : clients_(clients), run_(run), count_(count) {
  thread_ = std::thread([this] { Run(); });
}

std::string LiveJobs::Pick(std::mt19937_64& random) {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return stopping_ || !live_.empty(); });
  return live_.empty() ? "" : live_[random() % live_.size()];
}

void LiveJobs::Ended(const std::string& name) {
  const std::lock_guard lock(mu_);
  live_.erase(std::remove(live_.begin(), live_.end(), name), live_.end());
  changed_.notify_all();
}

void LiveJobs::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  std::vector<std::string> live;
  {
    const std::lock_guard lock(mu_);
    live = live_;
  }
  for (size_t i = 1; i < live.size(); ++i) {
    v1::Job job;
    (void)clients_->at(0).Cancel(live[i], &job);
  }
}

std::set<std::string> LiveJobs::all() const {
  const std::lock_guard lock(mu_);
  return all_;
}

void LiveJobs::Run() {
  for (int i = 0;; ++i) {
    {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [this] { return stopping_ || live_.size() < count_; });
      if (stopping_) return;
    }
    Create(i);
  }
}

void LiveJobs::Create(int i) {
  std::string cancelled;
  {
    const std::lock_guard lock(mu_);
    if (i % 4 == 3 && !live_.empty()) cancelled = live_.front();
  }
  // It may fail: the server is being killed.
  v1::Job job;
  if (!cancelled.empty()) (void)clients_->at(0).Cancel(cancelled, &job);
  v1::CreateJobRequest request = SampleRequest(4 + 12 * (i % 2), 40 + 20 * (i % 3), i);
  request.set_job_id(absl::StrCat("run-", run_, "-", i));
  request.set_request_id(RequestId(100000 * run_ + i));
  clients_->Create(0, request);
  const std::lock_guard lock(mu_);
  live_.push_back("jobs/" + request.job_id());
  all_.insert(live_.back());
  changed_.notify_all();
}

// --- Watchers ---------------------------------------------------------------

// Watches one job to its end, then another.
class WatchSwarm::JobWatcher final : public RandomReader<v1::WatchJobResponse> {
 public:
  JobWatcher(WatchSwarm* swarm, int index, uint64_t seed)
      : RandomReader(seed, &swarm->timer_, &swarm->moods_),
        swarm_(swarm),
        index_(index),
        request_(FormOf(index)) {}

  const std::vector<std::unique_ptr<WatchHistory>>& histories() const { return histories_; }

 protected:
  void Begin(grpc::ClientContext* context, Call* call) override {
    if (histories_.empty() || histories_.back()->ended()) {
      histories_.push_back(std::make_unique<WatchHistory>(name_));
    }
    request_.set_name(name_);
    // One in ten has forgotten where it was.
    request_.set_after_sequence(Once(10) ? 0 : histories_.back()->last_sequence());
    histories_.back()->Open(request_);
    swarm_->StubOf(index_)->async()->WatchJob(context, &request_, call);
  }
  void Receive(const v1::WatchJobResponse& response) override {
    histories_.back()->Receive(response);
    swarm_->Served(index_);
  }
  void Leave() override { histories_.back()->Leave(); }
  bool End(const grpc::Status& status) override {
    histories_.back()->End(status);
    if (!histories_.back()->ended()) return true;
    swarm_->jobs_->Ended(name_);
    return PickJob();
  }

 public:
  bool PickJob() {
    name_ = swarm_->jobs_->Pick(random());
    return !name_.empty();
  }

 private:
  WatchSwarm* const swarm_;
  const int index_;
  v1::WatchJobRequest request_;
  std::string name_;
  std::vector<std::unique_ptr<WatchHistory>> histories_;
};

// Watches all jobs.
class WatchSwarm::JobsWatcher final : public RandomReader<v1::WatchJobsResponse> {
 public:
  JobsWatcher(WatchSwarm* swarm, int index, uint64_t seed)
      : RandomReader(seed, &swarm->timer_, &swarm->moods_),
        swarm_(swarm),
        index_(index),
        request_(JobsFormOf(index)),
        history_(request_) {}

  const JobsWatchHistory& history() const { return history_; }
  // Those who ask for live jobs alone are not told of ends while they are away.
  bool KnowsEndsOf(const std::set<std::string>& jobs) {
    const std::lock_guard lock(mu_);
    if (request_.filter().states_size() > 0) return true;
    const std::set<std::string> ended = history_.ended();
    return std::includes(ended.begin(), ended.end(), jobs.begin(), jobs.end());
  }

 protected:
  void Begin(grpc::ClientContext* context, Call* call) override {
    {
      const std::lock_guard lock(mu_);
      history_.Open();
    }
    swarm_->StubOf(index_)->async()->WatchJobs(context, &request_, call);
  }
  void Receive(const v1::WatchJobsResponse& response) override {
    {
      const std::lock_guard lock(mu_);
      history_.Receive(response);
    }
    swarm_->Served(index_);
  }
  void Leave() override {
    const std::lock_guard lock(mu_);
    history_.Leave();
  }
  bool End(const grpc::Status& status) override {
    const std::lock_guard lock(mu_);
    history_.End(status);
    return true;
  }

 private:
  WatchSwarm* const swarm_;
  const int index_;
  const v1::WatchJobsRequest request_;
  std::mutex mu_;
  JobsWatchHistory history_;
};

WatchSwarm::WatchSwarm(const std::string& address, LiveJobs* jobs, int watchers, uint64_t seed)
    : jobs_(jobs) {
  for (int i = 0; i < watchers; i += kWatchersAConnection) {
    stubs_.push_back(v1::Tweedie::NewStub(MakeConnection(address)));
  }
  for (int i = 0; i < watchers; ++i) {
    const uint64_t own_seed = seed * 1000 + i;
    if (i % 5 == 4) {
      jobs_watchers_.push_back(std::make_unique<JobsWatcher>(this, i, own_seed));
    } else {
      job_watchers_.push_back(std::make_unique<JobWatcher>(this, i, own_seed));
    }
  }
  for (const auto& watcher : job_watchers_) {
    if (watcher->PickJob()) watcher->Start();
  }
  for (const auto& watcher : jobs_watchers_) watcher->Start();
}

WatchSwarm::~WatchSwarm() {
  moods_.Calm();
  for (const auto& watcher : job_watchers_) watcher->Stop();
  for (const auto& watcher : jobs_watchers_) watcher->Stop();
  for (const auto& watcher : job_watchers_) watcher->Await(kPatience);
  for (const auto& watcher : jobs_watchers_) watcher->Await(kPatience);
}

v1::Tweedie::Stub* WatchSwarm::StubOf(int watcher) {
  return stubs_[static_cast<size_t>(watcher) % stubs_.size()].get();
}

void WatchSwarm::Served(int watcher) {
  const std::lock_guard lock(mu_);
  served_.insert(watcher);
  ++messages_;
  changed_.notify_all();
}

bool WatchSwarm::AwaitServed(size_t watchers, int messages) {
  std::unique_lock lock(mu_);
  served_.clear();
  messages_ = 0;
  return changed_.wait_for(lock, kPatience,
                           [&] { return served_.size() >= watchers && messages_ >= messages; });
}

bool WatchSwarm::Finish() {
  moods_.Calm();
  jobs_->Stop();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (const auto& watcher : job_watchers_) {
    if (!watcher->Await(kPatience)) return false;
  }
  const std::set<std::string> all = jobs_->all();
  for (const auto& watcher : jobs_watchers_) {
    while (!watcher->KnowsEndsOf(all)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    watcher->Stop();
  }
  return std::all_of(jobs_watchers_.begin(), jobs_watchers_.end(),
                     [](const auto& watcher) { return watcher->Await(kPatience); });
}

int64_t WatchSwarm::merged() const {
  int64_t merged = 0;
  for (const auto& watcher : job_watchers_) {
    for (const auto& history : watcher->histories()) {
      for (const WatchedStream& stream : history->streams()) {
        for (const WatchedEvent& event : stream.events) merged += event.skipped;
      }
    }
  }
  return merged;
}

std::vector<std::string> WatchSwarm::Violations() const {
  std::vector<std::string> all;
  std::map<std::string, std::vector<const WatchHistory*>> by_job;
  const auto add = [&all](std::vector<std::string> some) {
    std::move(some.begin(), some.end(), std::back_inserter(all));
  };
  for (const auto& watcher : job_watchers_) {
    for (const auto& history : watcher->histories()) {
      add(tweedie::Violations(*history));
      by_job[history->name()].push_back(history.get());
    }
  }
  for (const auto& [name, histories] : by_job) add(Contradictions(histories));
  for (const auto& watcher : jobs_watchers_) add(watcher->history().violations());
  return all;
}

}  // namespace tweedie
