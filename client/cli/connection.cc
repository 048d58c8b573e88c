#include "client/cli/connection.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/environment.h"
#include "client/cli/local_file.h"
#include "core/base/status_macros.h"
#include "net/pem.h"
#include "net/target.h"
#include "net/token.h"

namespace tweedie::cli {
namespace {

constexpr char kHttps[] = "https://";

// The message of `status` as one about the file.
absl::Status About(absl::string_view path, const absl::Status& status) {
  return status.ok() ? status : LocalFileError(path, status.message());
}

absl::StatusOr<std::string> ReadToken(const std::string& path, std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(const std::string text, ReadLocalFile(path));
  const absl::StatusOr<std::string> token = ParseToken(text);
  RETURN_IF_ERROR(About(path, token.status()));
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && IsReadableByOthers(info.st_mode)) {
    warnings->push_back(absl::StrCat(path, ": others can read this token (chmod 600)"));
  }
  return token;
}

// Empty if none is given.
absl::StatusOr<std::string> FindToken(const ConnectionOptions& options,
                                      std::vector<std::string>* warnings) {
  if (!options.token_file.empty()) return ReadToken(options.token_file, warnings);
  if (const std::string text = Variable("TWEEDIE_TOKEN"); !text.empty()) {
    const absl::StatusOr<std::string> token = ParseToken(text);
    if (token.ok()) return token;
    return absl::InvalidArgumentError(absl::StrCat("TWEEDIE_TOKEN ", token.status().message()));
  }
  const std::string path = Variable("TWEEDIE_TOKEN_FILE");
  return path.empty() ? "" : ReadToken(path, warnings);
}

absl::Status ReadTlsFiles(const ConnectionOptions& options, ChannelOptions* channel) {
  if (!options.ca.empty()) {
    ASSIGN_OR_RETURN(channel->authorities, ReadLocalFile(options.ca));
    RETURN_IF_ERROR(About(options.ca, CheckAuthorities(channel->authorities)));
  }
  if (options.cert.empty() != options.key.empty()) {
    return absl::InvalidArgumentError("--cert and --key belong together");
  }
  if (options.cert.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(channel->certificate, ReadLocalFile(options.cert));
  ASSIGN_OR_RETURN(channel->key, ReadLocalFile(options.key));
  return About(absl::StrCat(options.cert, ", ", options.key),
               CheckKeyPair(channel->certificate, channel->key).status());
}

}  // namespace

void AddConnectionOptions(CLI::App* app, ConnectionOptions* options) {
  app->add_option("--server", options->server,
                  "Where the server is: HOST:PORT, unix:PATH, or https://HOST:PORT")
      ->envname("TWEEDIE_SERVER")
      ->capture_default_str();
  app->add_flag("--tls", options->tls, "Speak TLS, as with https:// and with the files below")
      ->envname("TWEEDIE_TLS");
  app->add_option("--ca", options->ca,
                  "PEM file of the authorities that the server's certificate must come from; the "
                  "system's if none is given")
      ->type_name("FILE")
      ->envname("TWEEDIE_CA");
  app->add_option("--cert", options->cert,
                  "PEM file of a certificate to show to a server that asks for one")
      ->type_name("FILE")
      ->envname("TWEEDIE_CERT");
  app->add_option("--key", options->key, "PEM file of its private key")
      ->type_name("FILE")
      ->envname("TWEEDIE_KEY");
  app->add_option("--token-file", options->token_file,
                  "File of the token that says who you are; otherwise TWEEDIE_TOKEN, or the file "
                  "of TWEEDIE_TOKEN_FILE")
      ->type_name("FILE");
}

absl::StatusOr<ChannelOptions> ReadConnection(const ConnectionOptions& options,
                                              std::vector<std::string>* warnings) {
  ChannelOptions channel;
  absl::string_view target = options.server;
  const bool https = absl::ConsumePrefix(&target, kHttps);
  if (https) absl::ConsumeSuffix(&target, "/");
  channel.target = std::string(target);
  const bool has_files = !options.ca.empty() || !options.cert.empty() || !options.key.empty();
  channel.tls = (https || options.tls || has_files) && !IsUnixTarget(target);
  if (channel.tls) RETURN_IF_ERROR(ReadTlsFiles(options, &channel));
  ASSIGN_OR_RETURN(channel.token, FindToken(options, warnings));
  return channel;
}

std::string CommandLineOf(const ConnectionOptions& options) {
  std::string text;
  const auto add = [&](absl::string_view flag, const std::string& value) {
    if (!value.empty()) absl::StrAppend(&text, " ", flag, " ", value);
  };
  add("--server", options.server == kDefaultServer ? "" : options.server);
  if (options.tls) absl::StrAppend(&text, " --tls");
  add("--ca", options.ca);
  add("--cert", options.cert);
  add("--key", options.key);
  add("--token-file", options.token_file);
  return text;
}

}  // namespace tweedie::cli
