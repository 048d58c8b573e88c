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

// Of one call. gRPC calls it from one thread at a time, and destroys it when the call
// is over.
class CallLog final : public grpc::experimental::Interceptor {
 public:
  CallLog(ServerRpcInfo* info, CallNames* names)
      : info_(info), names_(names), begin_(Clock::Real()->Steady()) {
    call_.method = info->method();
    call_.code = "CANCELLED";  // unless it comes to an answer
    names_->Expect(info_->server_context());
  }
  ~CallLog() override {
    call_.creator = names_->Take(info_->server_context());
    call_.duration = Clock::Real()->Steady() - begin_;
    LogCall(call_);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      call_.peer = info_->server_context()->peer();
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      call_.code = absl::StatusCodeToString(
          static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  ServerRpcInfo* const info_;
  CallNames* const names_;
  const absl::Time begin_;
  CallRecord call_;
};

class RequestLog final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit RequestLog(CallNames* names) : names_(names) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return LogsCalls() ? new CallLog(info, names_) : nullptr;
  }

 private:
  CallNames* const names_;
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
    CallNames* names) {
  return std::make_unique<RequestLog>(names);
}

void RouteGrpcLog() { gpr_set_log_function(WriteGrpcLog); }

}  // namespace tweedie
