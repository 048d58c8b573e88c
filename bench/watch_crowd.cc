#include "bench/watch_crowd.h"

#include <chrono>

namespace tweedie {
namespace {

std::shared_ptr<grpc::Channel> MakeConnection(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

double MillisecondsSince(const google::protobuf::Timestamp& time) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double then = static_cast<double>(time.seconds()) * 1e3 + time.nanos() / 1e6;
  return std::chrono::duration<double, std::milli>(now).count() - then;
}

bool IsEnd(const v1::WatchJobResponse& event) {
  return event.has_job() && event.job().state() > v1::Job::RUNNING;
}

}  // namespace

class WatchCrowd::Watcher final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  Watcher(WatchCrowd* crowd, v1::Tweedie::Stub* stub, const v1::WatchJobRequest* request,
          bool reads)
      : crowd_(crowd), reads_(reads) {
    stub->async()->WatchJob(&context_, request, this);
    if (reads) StartRead(&event_);
    StartCall();
  }
  bool reads() const { return reads_; }
  void Leave() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (!is_first_) crowd_->Count(event_);
    is_first_ = false;
    told_the_end_ = told_the_end_ || IsEnd(event_);
    StartRead(&event_);
  }
  void OnDone(const grpc::Status&) override { crowd_->Done(reads_, told_the_end_); }

 private:
  WatchCrowd* const crowd_;
  const bool reads_;
  bool is_first_ = true;
  bool told_the_end_ = false;
  grpc::ClientContext context_;
  v1::WatchJobResponse event_;
};

WatchCrowd::WatchCrowd(const std::string& address, int connections) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::minutes(2);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < connections; ++i) {
    channels.push_back(MakeConnection(address));
    channels.back()->GetState(/*try_to_connect=*/true);
    stubs_.push_back(v1::Tweedie::NewStub(channels.back()));
  }
  for (const auto& channel : channels) {
    connected_ = connected_ && channel->WaitForConnected(deadline);
  }
}

WatchCrowd::~WatchCrowd() {
  for (const auto& watcher : watchers_) watcher->Leave();
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return live_ == 0; });
}

void WatchCrowd::Watch(const v1::WatchJobRequest& request, int watchers, int silent_of) {
  request_ = request;
  for (int i = 0; i < watchers; ++i) {
    const bool reads = silent_of == 0 || i % silent_of != 0;
    {
      const std::lock_guard lock(mu_);
      ++live_;
      live_readers_ += reads ? 1 : 0;
      figures_.readers += reads ? 1 : 0;
    }
    v1::Tweedie::Stub* const stub = stubs_[static_cast<size_t>(i) % stubs_.size()].get();
    watchers_.push_back(std::make_unique<Watcher>(this, stub, &request_, reads));
  }
}

bool WatchCrowd::AwaitEnds(int patience_seconds) {
  {
    std::unique_lock lock(mu_);
    const bool all = changed_.wait_for(lock, std::chrono::seconds(patience_seconds),
                                       [this] { return live_readers_ == 0; });
    if (!all) return false;
  }
  for (const auto& watcher : watchers_) {
    if (!watcher->reads()) watcher->Leave();
  }
  std::unique_lock lock(mu_);
  return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return live_ == 0; });
}

WatchCrowd::Figures WatchCrowd::figures() const {
  const std::lock_guard lock(mu_);
  return figures_;
}

void WatchCrowd::Count(const v1::WatchJobResponse& event) {
  delays_.Add(MillisecondsSince(event.event_time()));
  const std::lock_guard lock(mu_);
  ++figures_.events;
  figures_.frames += event.has_frame() ? 1 : 0;
  figures_.skipped += event.skipped_events();
}

void WatchCrowd::Done(bool reads, bool told_the_end) {
  const std::lock_guard lock(mu_);
  --live_;
  live_readers_ -= reads ? 1 : 0;
  figures_.told_the_end += told_the_end ? 1 : 0;
  changed_.notify_all();
}

}  // namespace tweedie
