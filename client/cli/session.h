#ifndef TWEEDIE_CLIENT_CLI_SESSION_H_
#define TWEEDIE_CLIENT_CLI_SESSION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/connection.h"
#include "client/cli/interrupts.h"
#include "client/cli/terminal.h"
#include "client/cpp/cancellation.h"
#include "client/cpp/client.h"

namespace tweedie::cli {

// Options of all commands.
struct GlobalOptions {
  ConnectionOptions connection;
  bool json = false;
  bool quiet = false;  // not both
  bool verbose = false;
  std::string preview = "auto";  // none, blocks, kitty, sixel
  std::string profile;           // "": [default], if there is one
  double retry_seconds = 15;
  double wait_seconds = 3600;
};

// What a command works with. Lives on the main thread, which so also destroys
// the channel.
class Session {
 public:
  // Errors of ReadConnection() and MakeChannel(). Nothing is sent yet.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const GlobalOptions& options);

  bool json() const { return options_.json; }
  bool quiet() const { return options_.quiet; }
  const std::string& preview() const { return options_.preview; }
  Terminal& terminal() { return terminal_; }
  Interrupts& interrupts() { return interrupts_; }
  // Its calls end at the first Ctrl-C.
  const Client& client() const { return *client_; }
  // Likewise; and where others give up soon, its calls wait for a server that restarts as
  // long as streams do.
  const Client& patient_client() const { return *patient_client_; }
  // Its calls do not.
  const Client& lasting_client() const { return *lasting_client_; }

  // One whose calls end likewise, and that tells of failures that it tries again in its
  // own way.
  Client MakeClient(std::function<void(const absl::Status&, absl::Duration)> on_retry);
  // One whose calls are tried once, for `timeout`.
  Client MakeHastyClient(absl::Duration timeout);
  const std::string& server() const { return options_.connection.server; }

  // Ends the calls of client() and those like it, for good. Thread-safe.
  void EndCalls() { cancellation_.Cancel(); }

  // A line of the result, on standard output: as PlainText(), unless --json.
  void Result(absl::string_view line) const;
  // Whether all of them could be written; an error of a local file if not. Thread-safe.
  absl::Status output() const;
  // A message for a person, on standard error: unless --quiet; where --verbose; always.
  void Note(absl::string_view line) {
    if (!options_.quiet) terminal_.Print(line);
  }
  void Detail(absl::string_view line) {
    if (options_.verbose) terminal_.Print(line);
  }
  void Warn(absl::string_view line) { terminal_.Print(line); }
  // The command line that a person would type now: `tweedie COMMAND`, with the
  // server if it is not the default.
  std::string CommandLine(absl::string_view command) const;

 private:
  explicit Session(const GlobalOptions& options);
  absl::Status Connect();
  ClientOptions MakeClientOptions(Cancellation* cancellation);

  const GlobalOptions options_;
  Cancellation cancellation_;
  Interrupts interrupts_;  // before anything that makes threads
  Terminal terminal_;
  mutable std::atomic<int> output_errno_{0};  // of the last write that failed
  const Interrupts::Farewell farewell_;       // the redrawn line goes away
  ChannelOptions channel_;
  std::shared_ptr<grpc::Channel> connection_;
  std::optional<Client> client_;
  std::optional<Client> patient_client_;
  std::optional<Client> lasting_client_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_SESSION_H_
