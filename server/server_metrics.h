#ifndef TWEEDIE_SERVER_SERVER_METRICS_H_
#define TWEEDIE_SERVER_SERVER_METRICS_H_

#include <map>
#include <string>

#include "server/peers/job_follower.h"
#include "server/queue.h"
#include "server/rpc/rpc_server.h"
#include "server/runner/job_runner.h"
#include "server/watch/event_hub.h"

namespace tweedie {

// The parts of a running server that count.
struct MeasuredParts {
  const JobRunner* runner;
  const EventHub* hub;
  const JobFollower* follower;  // null: nobody else uses the queue
  const RpcServer* rpc;
  const Queue* queue;
};

// All that they count, as HttpServer::Options::metrics; without the jobs by state where the
// queue cannot be read.
std::map<std::string, double> MetricsOf(const MeasuredParts& parts);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SERVER_METRICS_H_
