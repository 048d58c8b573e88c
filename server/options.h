#ifndef TWEEDIE_SERVER_OPTIONS_H_
#define TWEEDIE_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/diffusion/precision.h"
#include "server/log/logging.h"

namespace tweedie {

// What an administrator can set. Each is a flag, an environment variable
// (TWEEDIE_ and the flag's name in capitals) and a key of the config file; the
// first of these that is given holds.
struct ServerOptions {
  std::string data_dir = "tweedie-data";
  std::string database;  // of PostgreSQL; the queue is in data_dir if empty. A secret
  std::string database_schema = "tweedie";
  std::string blobs_dir;  // with `database`: blobs are files there, not in the database
  std::string models_dir = "models";
  std::vector<std::string> listen = {"127.0.0.1:7433"};
  int unix_mode = 0660;   // of the files of Unix sockets
  std::string advertise;  // of `listen` to the other servers of the queue; made of it if empty
  std::string http = "127.0.0.1:7480";
  bool dashboard = true;                // with `http`
  std::vector<std::string> http_hosts;  // names that browsers may know it by
  std::string tokens_file;              // who may call; everybody if empty
  std::string tls_cert;                 // file of a chain, and of its key; no TLS if empty
  std::string tls_key;
  std::string tls_client_ca;  // file of authorities; clients must show a certificate if given
  std::string peer_ca;        // likewise, of the other servers of the queue; the system's if empty
  std::string peer_token_file;  // shown to them; none if empty
  bool without_tls = false;     // other machines may come without it
  bool without_tokens = false;  // likewise
  std::string server_name;      // the host's name if empty
  std::string log_level = "info";
  LogFormat log_format = LogFormat::kText;
  std::string lpips;  // file of the network for perceptual distances; none if empty

  std::string device = "cpu";
  Precision precision = Precision::kFloat32;
  bool strict = true;
  int num_threads = 0;  // 0: one a core

  int max_batch_rows = 16;
  int max_running_jobs = 32;
  int64_t max_model_mebibytes = 0;
  int unload_idle_minutes = 0;
  int64_t max_running_mebibytes = 2048;
  int max_request_mebibytes = 32;
  int max_response_mebibytes = 64;
  int max_images_per_job = 1024;
  int64_t max_image_pixels = int64_t{1} << 22;  // of one file
  int max_steps_per_job = 1000000;              // evaluations for each image
  int max_jobs_per_batch = 1000;
  int max_labels_per_job = 64;
  int max_streams_per_connection = 128;  // calls of all kinds
  int max_watches = 10000;               // streams at a time, in all
  int max_watches_per_creator = 2000;
  int max_http_streams = 64;
  int rpc_memory_mebibytes = 1024;  // of gRPC's buffers, and again of requests in hand
  int max_queued_jobs = 10000;
  int max_queued_jobs_per_creator = 1000;
  int64_t max_queued_mebibytes = 4096;              // of inputs; 0: no limit
  int64_t max_queued_mebibytes_per_creator = 1024;  // likewise

  int lease_seconds = 30;
  int64_t disk_reserve_mebibytes = 256;  // 0: none
  double keep_succeeded_hours = 24;
  double keep_failed_hours = 168;
  int64_t max_kept_mebibytes = 0;  // of ended jobs; 0: no limit
  double drain_seconds = 30;
  double step_limit_seconds = 300;  // 0: none
};

// How the process is to end at once: after --help or --version (0), or after an
// error that has been printed.
struct ExitNow {
  int code = 0;
};

// Reads the command line, the environment and the config file. A password on the
// command line, which every user of the machine can read, is an error.
std::variant<ServerOptions, ExitNow> ParseOptions(int argc, const char* const* argv);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_OPTIONS_H_
