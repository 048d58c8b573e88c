#include "server/rpc/request_log.h"

#include <grpc/support/log.h>
#include <grpcpp/server_context.h>
#include <spdlog/spdlog.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "server/log/call_log.h"

namespace tweedie {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr char kCreatorMetadata[] = "x-tweedie-creator";

// Of one call. gRPC calls it from one thread at a time, and destroys it when the call
// is over.
class CallLog final : public grpc::experimental::Interceptor {
 public:
  CallLog(ServerRpcInfo* info, bool with_creator)
      : info_(info), with_creator_(with_creator), begin_(Clock::Real()->Steady()) {
    call_.method = info->method();
    call_.code = "CANCELLED";  // unless it comes to an answer
    if (with_creator) call_.creator = "anonymous";
  }
  ~CallLog() override {
    call_.duration = Clock::Real()->Steady() - begin_;
    LogCall(call_);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      call_.peer = info_->server_context()->peer();
      const auto* metadata = methods->GetRecvInitialMetadata();
      const auto creator = metadata->find(kCreatorMetadata);
      if (with_creator_ && creator != metadata->end()) {
        call_.creator.assign(creator->second.data(), creator->second.size());
      }
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      call_.code = absl::StatusCodeToString(
          static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  ServerRpcInfo* const info_;
  const bool with_creator_;
  const absl::Time begin_;
  CallRecord call_;
};

class RequestLog final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit RequestLog(bool with_creator) : with_creator_(with_creator) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return LogsCalls() ? new CallLog(info, with_creator_) : nullptr;
  }

 private:
  const bool with_creator_;
};

// gRPC takes what a peer does wrong for its own error.
bool IsOfPeer(absl::string_view file) {
  return absl::StrContains(file, "ssl_transport_security") ||
         absl::StrContains(file, "security_handshaker") || absl::StrContains(file, "chttp2_server");
}

spdlog::level::level_enum LevelOf(const gpr_log_func_args& message) {
  switch (message.severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return spdlog::level::debug;
    case GPR_LOG_SEVERITY_INFO:
      return spdlog::level::info;
    case GPR_LOG_SEVERITY_ERROR:
      if (IsOfPeer(message.file)) return spdlog::level::info;
      break;
  }
  return spdlog::level::err;
}

void WriteGrpcLog(gpr_log_func_args* message) {
  spdlog::log(LevelOf(*message), "grpc: {}", message->message);
}

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRequestLog(
    bool with_creator) {
  return std::make_unique<RequestLog>(with_creator);
}

void RouteGrpcLog() { gpr_set_log_function(WriteGrpcLog); }

}  // namespace tweedie
