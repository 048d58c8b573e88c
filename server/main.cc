// tweedied: see ParseOptions() for what it is, or --help.
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "core/base/descriptors.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "server/base/supervisor.h"
#include "server/log/logging.h"
#include "server/model_tools/model_tools.h"
#include "server/options.h"
#include "server/runner/tensor_memory.h"
#include "server/server.h"
#include "server/tools/tools.h"

namespace tweedie {
namespace {

// These signals are taken by ExitOnStop and then by WaitForStop() alone: blocked here,
// before any thread begins, so that none of them is interrupted.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Logs one level more at SIGUSR1, one less at SIGUSR2. False for all other signals.
bool ChangesLogLevel(int signal) {
  if (signal != SIGUSR1 && signal != SIGUSR2) return false;
  StepLogLevel(/*more=*/signal == SIGUSR1);
  return true;
}

// While it lives, a stop signal ends the process at once, with exit code 0.
class ExitOnStop {
 public:
  explicit ExitOnStop(const sigset_t& signals) : signals_(signals), thread_([this] { Run(); }) {}
  ~ExitOnStop() {
    done_ = true;
    thread_.join();
  }

 private:
  void Run() const {
    constexpr timespec kTick = {0, 10000000};
    while (!done_) {
      const int signal = sigtimedwait(&signals_, nullptr, &kTick);
      if (signal <= 0 || ChangesLogLevel(signal)) continue;
      spdlog::info("signal {} while loading: nothing runs yet, ending", signal);
      _exit(0);
    }
  }

  const sigset_t signals_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

// Loading takes as long as models are large, and cannot be interrupted.
absl::StatusOr<std::unique_ptr<Server>> StartServer(const ServerOptions& options,
                                                    const sigset_t& signals,
                                                    const Supervisor& supervisor) {
  std::unique_ptr<Server> server;
  {
    const ExitOnStop exit_on_stop(signals);
    ASSIGN_OR_RETURN(server, Server::Load(options, [&supervisor] { supervisor.Alive(); }));
  }
  RETURN_IF_ERROR(server->Run());
  return server;
}

void WaitForStop(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0 || ChangesLogLevel(signal)) {
  }
  spdlog::info("signal {}: draining", signal);
}

// Each shape costs oneDNN a cache entry; its own limit is 1,024. Left alone if
// the administrator set it.
void LimitLibTorch() { setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", /*overwrite=*/0); }

int Main(int argc, char** argv) {
  if (const absl::Status armed = ArmFailpointsFromEnvironment(); !armed.ok()) {
    std::fprintf(stderr, "%s\n", std::string(armed.message()).c_str());
    return 2;
  }
  if (const std::optional<int> code = RunTool(argc, argv)) return *code;
  if (const std::optional<int> code = RunModelTool(argc, argv)) return *code;
  const std::variant<ServerOptions, ExitNow> parsed = ParseOptions(argc, argv);
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return exit->code;
  const ServerOptions& options = std::get<ServerOptions>(parsed);
  const sigset_t signals = BlockSignals();
  StartLogging(options.log_format, options.log_level);
  const absl::StatusOr<Supervisor> supervisor = Supervisor::FromEnvironment();
  if (!supervisor.ok()) {
    spdlog::error("cannot start: {}", std::string(supervisor.status().message()));
    return 1;
  }
  if (const absl::Status raised = RaiseDescriptorLimit(); !raised.ok()) {
    spdlog::warn("{}", std::string(raised.message()));
  }
  LimitLibTorch();
  CountTensorMemory();
  absl::StatusOr<std::unique_ptr<Server>> server = StartServer(options, signals, *supervisor);
  if (!server.ok()) {
    spdlog::error("cannot start: {}", std::string(server.status().message()));
    return 1;
  }
  if (!(*server)->http_address().empty()) {
    spdlog::info("metrics and health on {}", (*server)->http_address());
  }
  std::printf("listening on %s\n", (*server)->address().c_str());
  std::fflush(stdout);
  supervisor->Ready("listening on " + (*server)->address());
  WaitForStop(signals);
  supervisor->Stopping();
  (*server)->Drain();
  spdlog::info("drained");
  return 0;
}

}  // namespace
}  // namespace tweedie

int main(int argc, char** argv) { return tweedie::Main(argc, argv); }
