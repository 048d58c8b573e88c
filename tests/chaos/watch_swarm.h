#ifndef TWEEDIE_TESTS_CHAOS_WATCH_SWARM_H_
#define TWEEDIE_TESTS_CHAOS_WATCH_SWARM_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/random_reader.h"
#include "tests/chaos/workload.h"
#include "tests/testing/jobs_watch_history.h"
#include "tests/testing/watch_history.h"

namespace tweedie {

// Keeps a few jobs created and not ended; one in four is cancelled. Thread-safe.
class LiveJobs {
 public:
  // `clients` outlives it. `run` makes their ids.
  LiveJobs(PatientClients* clients, int run, int count);
  ~LiveJobs() { Stop(); }

  // One that had not ended a moment ago; empty once there is none and none will be.
  std::string Pick(std::mt19937_64& random);
  // To be told of the end of each, by anyone.
  void Ended(const std::string& name);
  // Makes no more, and cancels those that live but one.
  void Stop();
  // All that were made.
  std::set<std::string> all() const;

 private:
  void Run();
  void Create(int i);

  PatientClients* const clients_;
  const int run_;
  const size_t count_;
  mutable std::mutex mu_;  // of all below
  std::condition_variable changed_;
  std::vector<std::string> live_;
  std::set<std::string> all_;
  bool stopping_ = false;
  std::thread thread_;
};

// Watchers of all kinds on `jobs`, over several connections: four in five WatchJob, in
// eight forms, one job after the other to its end; the others WatchJobs, in four. What
// they do is drawn from the seed. Thread-safe.
class WatchSwarm {
 public:
  WatchSwarm(const std::string& address, LiveJobs* jobs, int watchers, uint64_t seed);
  ~WatchSwarm();

  // Waits until so many have received something since the last call, and all together so
  // many messages. False if that takes longer than a minute.
  bool AwaitServed(size_t watchers, int messages);
  // Everyone reads on from now; waits until all watchers of a job have been told its end,
  // and those of all jobs the ends of all. False if it takes longer than a minute.
  bool Finish();
  ReaderMoods::Figures figures() const { return moods_.figures(); }
  // Messages that stand for others too.
  int64_t merged() const;
  // To be called after Finish().
  std::vector<std::string> Violations() const;

 private:
  class JobWatcher;
  class JobsWatcher;
  v1::Tweedie::Stub* StubOf(int watcher);
  void Served(int watcher);

  LiveJobs* const jobs_;
  ReaderMoods moods_;
  std::vector<std::unique_ptr<v1::Tweedie::Stub>> stubs_;  // one a connection
  std::mutex mu_;
  std::condition_variable changed_;
  std::set<int> served_;  // since AwaitServed()
  int messages_ = 0;      // likewise
  std::vector<std::unique_ptr<JobWatcher>> job_watchers_;
  std::vector<std::unique_ptr<JobsWatcher>> jobs_watchers_;
  Timer timer_;  // the first to go: it calls watchers
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WATCH_SWARM_H_
