#ifndef TWEEDIE_CLIENT_CLI_PROFILE_H_
#define TWEEDIE_CLIENT_CLI_PROFILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// A section of the configuration's file.
struct Profile {
  struct Entry {
    std::string key;  // the long name of an option of all commands
    std::string value;
    int line = 0;
  };
  std::string name;
  std::vector<Entry> entries;
};

// Reads
//   # A comment.
//   [lab]
//   server = https://gpu-1.lab:7433
//   token-file = ~/.config/tweedie/lab.token
// Errors of LocalFileError() name `path`, the line, and what is wrong there.
absl::StatusOr<std::vector<Profile>> ParseProfiles(absl::string_view path, absl::string_view text);

// $XDG_CONFIG_HOME/tweedie/config, or that of ~/.config; "" if neither is known.
std::string ProfilesPath();

// Gives the options of `app`, which has been parsed, what the profile `name` of the file
// says, where neither the command line nor the environment said it. Without a name that
// is [default], if there is one: which server's name is given elsewhere gets nothing of
// it that belongs to the connection, since its token is for its own server. Paths that
// begin with ~/ are of the home, others without / before them of the file's folder.
// Errors of LocalFileError(); INVALID_ARGUMENT if there is no such profile.
absl::Status ApplyProfile(const std::string& path, const std::string& name, CLI::App* app);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PROFILE_H_
