#ifndef TWEEDIE_CLIENT_CLI_SESSION_H_
#define TWEEDIE_CLIENT_CLI_SESSION_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cli/interrupts.h"
#include "client/cli/terminal.h"
#include "client/cpp/cancellation.h"
#include "client/cpp/client.h"

namespace tweedie::cli {

inline constexpr char kDefaultServer[] = "127.0.0.1:7433";

// Options of all commands.
struct GlobalOptions {
  std::string server = kDefaultServer;
  bool json = false;
  double retry_seconds = 15;
  double wait_seconds = 3600;
};

// What a command works with. Lives on the main thread, which so also destroys
// the channel.
class Session {
 public:
  explicit Session(const GlobalOptions& options);

  bool json() const { return options_.json; }
  Terminal& terminal() { return terminal_; }
  const Interrupts& interrupts() const { return interrupts_; }
  // Its calls end at the first Ctrl-C.
  const Client& client() const { return client_; }
  // Its calls do not.
  const Client& lasting_client() const { return lasting_client_; }

  // A line of the result, on standard output.
  void Result(absl::string_view line) const;
  // A message for a person, on standard error.
  void Note(absl::string_view line) { terminal_.Print(line); }
  // The command line that a person would type now: `tweedie COMMAND`, with the
  // server if it is not the default.
  std::string CommandLine(absl::string_view command) const;

 private:
  ClientOptions MakeClientOptions(Cancellation* cancellation);

  const GlobalOptions options_;
  Cancellation cancellation_;
  Interrupts interrupts_;  // before anything that makes threads
  Terminal terminal_;
  std::shared_ptr<Client::Stub> stub_;
  Client client_;
  Client lasting_client_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_SESSION_H_
