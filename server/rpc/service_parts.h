#ifndef TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_
#define TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "server/auth/authenticator.h"
#include "server/convert/prepare_job.h"
#include "server/rpc/call_names.h"
#include "server/runner/model_pool.h"
#include "server/runner/runner_control.h"
#include "server/watch/event_hub.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What calls may take; reported by GetServerInfo.
struct CallLimits {
  int64_t max_response_bytes = int64_t{64} << 20;  // of one message
  int max_jobs_per_batch = 1000;
  int max_watches = 10000;  // streams at a time, in all
  int max_watches_per_creator = 2000;
  int64_t request_memory_bytes = int64_t{1}
                                 << 30;  // of requests in hand; and of results that are read
};

// What the service works with. Everything outlives it.
struct ServiceParts {
  JobStore* store = nullptr;
  const BlobStore* blobs = nullptr;
  const ModelPool* pool = nullptr;
  EventHub* hub = nullptr;
  RunnerControl* runner = nullptr;
  Authenticator* authenticator = nullptr;
  CreateLimits create_limits;
  RequestLimits request_limits;
  CallLimits call_limits;
  v1::ServerInfo info;  // as GetServerInfo answers, without the queue's servers
  // The user of this machine who is behind the peer of a call; nullopt where that is not
  // known, as over TCP. Does not block. RpcServer::Start() sets it.
  std::function<std::optional<uid_t>(absl::string_view peer)> uid_of_peer;
  // Told who makes each call that was let in. RpcServer::Start() sets it.
  CallNames* call_names = nullptr;
  // Told of each job that somebody begins to watch; may be empty. Must not block.
  std::function<void(const std::string& job_id)> on_watch;
  std::string precision = "float32";
  int max_batch_rows = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_SERVICE_PARTS_H_
