#ifndef TWEEDIE_CLIENT_CLI_CONNECTION_H_
#define TWEEDIE_CLIENT_CLI_CONNECTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/channel.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

inline constexpr char kDefaultServer[] = "127.0.0.1:7433";

// Where the server is and how to speak to it, as the command line says it.
struct ConnectionOptions {
  std::string server = kDefaultServer;
  bool tls = false;
  std::string ca;  // files
  std::string cert;
  std::string key;
  std::string token_file;  // empty: TWEEDIE_TOKEN, or the file of TWEEDIE_TOKEN_FILE
};

void AddConnectionOptions(CLI::App* app, ConnectionOptions* options);

// Reads what the options and the environment name. TLS is spoken if it is asked for, by
// https:// too, or if a file for it is given; never to a Unix socket. INVALID_ARGUMENT
// for a certificate without its key, errors of LocalFileError() for files. Appends to
// `warnings` what a person should know.
absl::StatusOr<ChannelOptions> ReadConnection(const ConnectionOptions& options,
                                              std::vector<std::string>* warnings);

// The options as a person would type them, each with a space before it; those left at
// their defaults are left out.
std::string CommandLineOf(const ConnectionOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_CONNECTION_H_
