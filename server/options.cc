#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>

#include "core/base/utf8.h"
#include "server/base/command_line.h"
#include "server/version.h"

namespace tweedie {
namespace {

constexpr char kAbout[] =
    "tweedied holds denoising diffusion networks resident on a device, keeps a durable\n"
    "queue of jobs, advances many jobs at once, and streams their progress and images.\n"
    "It prints one line, `listening on HOST:PORT`, on standard output once it is ready;\n"
    "logs go to standard error.";

constexpr char kManual[] =
    "Each option may also be given as an environment variable, TWEEDIE_ and its name in\n"
    "capitals with underscores (TWEEDIE_DATA_DIR), or as `name = value` in the file of\n"
    "--config. A flag goes before the environment, and that before the file.\n"
    "\n"
    "Signals: SIGTERM and SIGINT drain: no new jobs, running ones are checkpointed and go\n"
    "back to the queue, watchers are told to come again, exit 0. SIGUSR1 logs one level\n"
    "more, SIGUSR2 one less.\n"
    "Exit codes: 0 drained; 1 it could not work and said why; 2 a wrong option.\n"
    "\n"
    "Commands, instead of a server (each has its own --help):\n"
    "  tweedied check DATA    verifies a data folder, and repairs what can be (--repair)\n"
    "  tweedied export FILE   writes the whole queue, jobs and images, to a file\n"
    "  tweedied import FILE   reads it into another: a folder or a database\n"
    "  tweedied inspect PATH  prints what a model's files say, and how they are taken\n"
    "  tweedied convert PATH OUT  writes a model as a folder for diffusers\n"
    "  tweedied token new|list|revoke  keeps the file of --tokens-file\n"
    "\n"
    "Example: tweedied --data-dir /var/lib/tweedie --models-dir models --listen 0.0.0.0:7433\\\n"
    "  --tokens-file /etc/tweedie/tokens.json --tls-cert cert.pem --tls-key key.pem";

// Declares options of one group.
class Group {
 public:
  Group(CLI::App& app, std::string name) : app_(app), name_(std::move(name)) {}
  template <typename T>
  CLI::Option* Add(const std::string& flag, T& value, const std::string& help) {
    return app_.add_option("--" + flag, value, help)
        ->capture_default_str()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group(name_);
  }
  // Several values, with commas between them or by repeating the option.
  void AddList(const std::string& flag, std::vector<std::string>& values, const std::string& help) {
    Add(flag, values, help)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false)
        ->delimiter(',');
  }
  void AddFlag(const std::string& flag, bool& value, const std::string& help) {
    app_.add_flag("--" + flag, value, help)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group(name_);
  }

 private:
  CLI::App& app_;
  std::string name_;
};

// Empty if `text` is a mode in octal.
std::string CheckMode(std::string& text) {
  const bool is_octal =
      !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
  return is_octal && std::stoi(text, nullptr, 8) <= 0777
             ? ""
             : "a mode is octal, 0 to 0777; was " + text;
}

// Empty if `text` can stand in jobs and in a database.
std::string CheckName(std::string& text) {
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return !has_control && text.size() <= 255 && ToUtf8(text) == text
             ? ""
             : "a name is UTF-8 without control characters, of at most 255 bytes";
}

void AddService(CLI::App& app, ServerOptions& options, std::string& log_format,
                std::string& unix_mode) {
  Group group(app, "Service");
  group.Add("data-dir", options.data_dir, "Folder of the queue and its images; made if need be");
  group.Add("database", options.database,
            "PostgreSQL database that several servers share, instead of --data-dir: a "
            "postgresql:// URL or libpq's keyword=value pairs. A password comes from "
            "TWEEDIE_DATABASE, the file of --config, PGPASSFILE or PGPASSWORD");
  group.Add("database-schema", options.database_schema, "Schema of the queue in the database");
  group.Add("blobs-dir", options.blobs_dir,
            "With --database: folder that all its servers share, for images; in the database if "
            "empty");
  group.Add("models-dir", options.models_dir,
            "Folder whose folders and files of weights are the models");
  group.AddList(
      "listen", options.listen,
      "HOST:PORT or unix:PATH of the gRPC service; port 0 picks a free one. Several, with "
      "commas between them or by several --listen, are all listened on");
  group.Add("unix-mode", unix_mode, "Mode of the files of Unix sockets, octal")
      ->check(CLI::Validator(CheckMode, "MODE"));
  group.Add("advertise", options.advertise,
            "HOST:PORT or unix:PATH that the other servers of the queue reach this one by; that of "
            "--listen if empty, with the host's name for all addresses");
  group.Add("http", options.http,
            "HOST:PORT of /healthz, /readyz, /metrics and the dashboard; empty for none");
  group.Add("dashboard", options.dashboard,
            "Whether --http serves the dashboard and the JSON API behind it");
  group.AddList(
      "http-host", options.http_hosts,
      "Name that browsers reach --http by, beside its own, the host's and localhost; several, "
      "with commas between them. Asked for where there is no --tokens-file, so that no page "
      "of another site gets in by turning its name to this machine");
  group.Add("peer-ca", options.peer_ca,
            "PEM file of the authorities of the other servers of the queue, with TLS; the system's "
            "if empty");
  group.Add("peer-token-file", options.peer_token_file,
            "File of the token that this server shows to the others of the queue");
  group.Add("server-name", options.server_name, "Name in logs and jobs; the host's by default")
      ->check(CLI::Validator(CheckName, "NAME"));
  group.Add("lpips", options.lpips,
            "Folder of the two published files of an LPIPS network, or one file "
            "(tools/lpips_weights.py): jobs with a reference then report their perceptual distance "
            "from it");
  group
      .Add("log-level", options.log_level,
           "What is logged; SIGUSR1, SIGUSR2 and `tweedie log-level` change it while it runs")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}));
  group.Add("log-format", log_format, "text for people; json: one JSON object a line")
      ->check(CLI::IsMember({"text", "json"}));
  group.Add("drain-seconds", options.drain_seconds, "Longest wait for results when stopping")
      ->check(CLI::NonNegativeNumber);
}

void AddAccess(CLI::App& app, ServerOptions& options) {
  Group group(app, "Who may call");
  group.Add("tokens-file", options.tokens_file,
            "File of those who may call (`tweedied token`), read again when it changes; everybody "
            "may do everything if empty");
  group.Add("tls-cert", options.tls_cert,
            "PEM file of the server's certificate and what stands between it and its authority: "
            "all of --listen but Unix sockets, and --http, then speak TLS. Read again when it "
            "changes, as are the next two");
  group.Add("tls-key", options.tls_key, "PEM file of its private key, without a password");
  group.Add("tls-client-ca", options.tls_client_ca,
            "PEM file of authorities: clients of the gRPC service must show a certificate of one");
  group.AddFlag("without-tls", options.without_tls,
                "Other machines may come without TLS (an address beyond loopback is refused "
                "otherwise)");
  group.AddFlag("without-tokens", options.without_tokens,
                "Whoever reaches the address may do everything (likewise)");
}

void AddEngine(CLI::App& app, ServerOptions& options, std::string& precision,
               std::string& reproducibility) {
  Group group(app, "Engine");
  group.Add("device", options.device, "cpu or cuda:N");
  group
      .Add("precision", precision,
           "In what networks are evaluated; a CPU has float32, and bfloat16 if it has avx512_bf16. "
           "tf32: products of float32 numbers with 10 bits of mantissa. Running jobs of another "
           "precision begin anew")
      ->check(CLI::IsMember({"float32", "tf32", "bfloat16", "float16"}));
  group
      .Add("reproducibility", reproducibility,
           "strict: a job's bits depend on its weights, task and seed alone; fast: rows of a "
           "batch share kernels, which may change last bits. strict on the CPU, fast on CUDA, "
           "unless given")
      ->check(CLI::IsMember({"strict", "fast"}));
  group.Add("threads", options.num_threads, "CPU threads of the engine; 0 for one a core")
      ->check(CLI::Range(0, 1024));
  group.Add("max-batch-rows", options.max_batch_rows, "Most images of one network call")
      ->check(CLI::Range(1, 4096));
  group.Add("max-running-jobs", options.max_running_jobs, "Most jobs that are advanced together")
      ->check(CLI::Range(1, 4096));
  group
      .Add("step-limit-seconds", options.step_limit_seconds,
           "A network call that takes longer is taken to hang: the process ends itself (SIGABRT), "
           "and its jobs go on at the next start; 0 for never")
      ->check(CLI::NonNegativeNumber);
  group
      .Add("lease-seconds", options.lease_seconds,
           "How long a running job is this server's without a sign of life: how soon, and 5 s, "
           "another takes it over when this one dies")
      ->check(CLI::Range(2, 3600));
  group
      .Add("max-model-mebibytes", options.max_model_mebibytes,
           "Most MiB of the weights of all models in memory; those that no job uses make room for "
           "others; 0 for no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20));
  group
      .Add("unload-idle-minutes", options.unload_idle_minutes,
           "A model that no job has used for so long leaves memory until one does; 0 for never")
      ->check(CLI::Range(0, 1 << 20));
  group
      .Add("max-running-mebibytes", options.max_running_mebibytes,
           "Most memory of running jobs (estimate), in MiB; also the most of one job")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
}

void AddRequestLimits(CLI::App& app, ServerOptions& options) {
  Group group(app, "Limits and retention");
  group.Add("max-request-mebibytes", options.max_request_mebibytes, "Most MiB of one request")
      ->check(CLI::Range(1, 2047));
  group
      .Add("max-response-mebibytes", options.max_response_mebibytes,
           "Most MiB of one message that the server sends; what is larger is refused")
      ->check(CLI::Range(4, 2047));
  group
      .Add("max-image-pixels", options.max_image_pixels,
           "Most pixels of one PNG or JPEG file of a request, as its header says before it is "
           "decoded")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 28));
  group
      .Add("max-steps-per-job", options.max_steps_per_job,
           "Most evaluations of the network for each image of a job, those of repeats too")
      ->check(CLI::Range(1, 1000000));
  group.Add("max-jobs-per-batch", options.max_jobs_per_batch, "Most jobs of one BatchCreateJobs")
      ->check(CLI::Range(1, 1000));
  group.Add("max-labels-per-job", options.max_labels_per_job, "Most labels of one job")
      ->check(CLI::Range(0, 64));
}

void AddCallLimits(CLI::App& app, ServerOptions& options) {
  Group group(app, "Limits and retention");
  group
      .Add("max-streams-per-connection", options.max_streams_per_connection,
           "Most calls at a time of one connection; more wait in the client")
      ->check(CLI::Range(1, 1 << 20));
  group
      .Add("max-watches", options.max_watches,
           "Most streams at a time (watches, and reading of images), in all")
      ->check(CLI::Range(1, 1 << 20));
  group
      .Add("max-watches-per-creator", options.max_watches_per_creator,
           "Most streams at a time of one creator")
      ->check(CLI::Range(1, 1 << 20));
  group
      .Add("max-http-streams", options.max_http_streams,
           "Most pages of the dashboard that watch at a time; each holds a thread")
      ->check(CLI::Range(1, 4096));
  group
      .Add("rpc-memory-mebibytes", options.rpc_memory_mebibytes,
           "Most MiB of gRPC's buffers; as much again of requests in hand, and of results read")
      ->check(CLI::Range(16, 1 << 20));
}

void AddLimits(CLI::App& app, ServerOptions& options) {
  Group group(app, "Limits and retention");
  group.Add("max-images-per-job", options.max_images_per_job, "Most images of one job")
      ->check(CLI::Range(1, 1 << 20));
  group.Add("max-queued-jobs", options.max_queued_jobs, "Most queued jobs")
      ->check(CLI::Range(1, 1 << 24));
  group
      .Add("max-queued-jobs-per-creator", options.max_queued_jobs_per_creator,
           "Most queued jobs of one creator")
      ->check(CLI::Range(1, 1 << 24));
  group
      .Add("max-queued-mebibytes", options.max_queued_mebibytes,
           "Most MiB of the inputs of queued jobs; 0 for no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  group
      .Add("max-queued-mebibytes-per-creator", options.max_queued_mebibytes_per_creator,
           "Most MiB of the inputs of one creator's queued jobs; 0 for no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  group
      .Add("disk-reserve-mebibytes", options.disk_reserve_mebibytes,
           "Kept free, as a file, for jobs that run when the disk is full; 0 for none")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20));
  group
      .Add("keep-succeeded-hours", options.keep_succeeded_hours,
           "How long succeeded and cancelled jobs are kept")
      ->check(CLI::NonNegativeNumber);
  group.Add("keep-failed-hours", options.keep_failed_hours, "How long failed jobs are kept")
      ->check(CLI::NonNegativeNumber);
  group
      .Add("max-kept-mebibytes", options.max_kept_mebibytes,
           "Most MiB of ended jobs, inputs and results; beyond it those that ended first are "
           "deleted; 0 for no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
}

}  // namespace

std::variant<ServerOptions, ExitNow> ParseOptions(int argc, const char* const* argv) {
  ServerOptions options;
  std::string precision = "float32";
  std::string reproducibility;
  std::string log_format = "text";
  std::string unix_mode = "0660";
  CLI::App app(kAbout, "tweedied");
  app.footer(kManual);
  app.set_version_flag("--version", std::string("tweedied ") + kVersion);
  app.set_config("--config", "", "A file of options")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.allow_config_extras(false);
  AddService(app, options, log_format, unix_mode);
  AddAccess(app, options);
  AddEngine(app, options, precision, reproducibility);
  AddRequestLimits(app, options);
  AddCallLimits(app, options);
  AddLimits(app, options);
  const auto parse = [&] { app.parse(WithEnvironment(app, argc, argv)); };
  if (const std::optional<int> code = ParseOr(app, parse)) return ExitNow{*code};
  if (ShowsPassword(argc, argv)) {
    std::cerr << kPasswordShown << "\n";
    return ExitNow{2};
  }
  if (options.tls_cert.empty() != options.tls_key.empty() ||
      (options.tls_cert.empty() && !options.tls_client_ca.empty())) {
    std::cerr << "--tls-cert and --tls-key belong together, and --tls-client-ca with them\n";
    return ExitNow{2};
  }
  if (std::find(options.listen.begin(), options.listen.end(), "") != options.listen.end() ||
      options.listen.empty()) {
    std::cerr << "--listen: an address is empty\n";
    return ExitNow{2};
  }
  options.unix_mode = std::stoi(unix_mode, nullptr, 8);
  const bool on_cpu = options.device.rfind("cuda", 0) != 0;
  options.precision = *ParsePrecision(precision);
  options.strict = reproducibility.empty() ? on_cpu : reproducibility == "strict";
  options.log_format = log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  return options;
}

}  // namespace tweedie
