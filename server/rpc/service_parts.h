#ifndef TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_
#define TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "server/convert/prepare_job.h"
#include "server/runner/model_pool.h"
#include "server/runner/runner_control.h"
#include "server/watch/event_hub.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What the service works with. Everything outlives it.
struct ServiceParts {
  JobStore* store = nullptr;
  const BlobStore* blobs = nullptr;
  const ModelPool* pool = nullptr;
  EventHub* hub = nullptr;
  RunnerControl* runner = nullptr;
  CreateLimits create_limits;
  RequestLimits request_limits;
  v1::ServerInfo info;  // as GetServerInfo answers, without the queue's servers
  // The user of this machine who is behind the peer of a call; nullopt where that is not
  // known, as over TCP. Does not block. RpcServer::Start() sets it.
  std::function<std::optional<uid_t>(absl::string_view peer)> uid_of_peer;
  // Told of each job that somebody begins to watch; may be empty. Must not block.
  std::function<void(const std::string& job_id)> on_watch;
  std::string precision = "float32";
  int max_batch_rows = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_
