#ifndef TWEEDIE_SERVER_RUNNER_COST_KEEPER_H_
#define TWEEDIE_SERVER_RUNNER_COST_KEEPER_H_

#include <memory>
#include <string>
#include <vector>

#include "core/engine/engine_thread.h"
#include "server/runner/cost_file.h"
#include "server/runner/model_pool.h"

namespace tweedie {

// Sees to it that the batch sizes of every network in memory become known: from a file
// of an earlier run, or by measuring on the engine's thread between steps. For one thread
// at a time; the pool and the engine outlive it.
class CostKeeper {
 public:
  struct Options {
    std::string folder;  // of the files; empty: nothing is kept
    CostKey key;         // but for the weights
  };
  CostKeeper(Options options, const ModelPool* models, EngineThread* engine);

  // Takes up networks that have come, and writes what has been measured since. What is
  // wrong with a file is said in the log, and measured anew.
  void Look();

 private:
  using Network = std::shared_ptr<const ModelPool::Resident>;
  struct Known {
    std::weak_ptr<const ModelPool::Resident> network;
    bool is_kept = false;  // or cannot be
  };
  bool Knows(const Network& network) const;
  CostKey KeyOf(const ModelPool::Resident& network) const;
  void TakeUp(const Network& network);
  // False if there is no file that serves.
  bool Recall(const ModelPool::Resident& network) const;
  void Measure(const Network& network) const;
  void Keep(const ModelPool::Resident& network, const BatchSizes& sizes) const;

  const Options options_;
  const ModelPool* const models_;
  EngineThread* const engine_;
  std::vector<Known> known_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_COST_KEEPER_H_
