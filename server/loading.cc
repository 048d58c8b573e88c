#include "server/loading.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "server/auth/listening.h"
#include "server/part_options.h"
#include "server/peers/advertised_address.h"

namespace tweedie {
namespace {

// nullopt if no file is given.
absl::StatusOr<std::optional<Lpips>> LoadLpips(const std::string& path) {
  if (path.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Lpips lpips, ReadLpipsFile(path));
  spdlog::info("LPIPS by {}", std::string(lpips.net()));
  return lpips;
}

// Null if no file is given.
absl::StatusOr<std::unique_ptr<WatchedAccess>> OpenAccess(const std::string& path) {
  if (path.empty()) return nullptr;
  ASSIGN_OR_RETURN(std::unique_ptr<WatchedAccess> access, WatchedAccess::Open(path));
  spdlog::info("{} entries of {} may call", access->list()->size(), path);
  return access;
}

Listening ListeningOf(const ServerOptions& options) {
  Listening listening;
  listening.listen = options.listen;
  listening.http = options.http;
  listening.has_dashboard = options.dashboard;
  listening.has_client_ca = !options.tls_client_ca.empty();
  listening.has_tls = !options.tls_cert.empty();
  listening.has_tokens = !options.tokens_file.empty();
  listening.without_tls = options.without_tls;
  listening.without_tokens = options.without_tokens;
  return listening;
}

// Null if there is no TLS.
absl::StatusOr<std::unique_ptr<Certificates>> LoadCertificates(const ServerOptions& options) {
  if (options.tls_cert.empty()) return nullptr;
  return Certificates::Load({options.tls_cert, options.tls_key, options.tls_client_ca});
}

}  // namespace

absl::StatusOr<LoadedParts> LoadParts(const ServerOptions& options) {
  RETURN_IF_ERROR(CheckListening(ListeningOf(options)));
  ASSIGN_OR_RETURN(auto access, OpenAccess(options.tokens_file));
  RETURN_IF_ERROR(CheckDevice(DeviceOf(options)));
  RETURN_IF_ERROR(
      AdvertisedAddress(options.advertise, Reachable(options.listen), HostName()).status());
  ASSIGN_OR_RETURN(auto certificates, LoadCertificates(options));
  ASSIGN_OR_RETURN(Queue queue, OpenQueue(options));
  LoadedParts parts{std::move(certificates), std::move(queue), std::move(access), {}, {}, {}};
  spdlog::info("loading models from {}", options.models_dir);
  RETURN_IF_ERROR(HitFailpoint("server.load"));
  ASSIGN_OR_RETURN(parts.pool,
                   ModelPool::Open(options.models_dir, PoolOptions(options), Clock::Real()));
  ASSIGN_OR_RETURN(parts.lpips, LoadLpips(options.lpips));
  ASSIGN_OR_RETURN(parts.registration,
                   Registration::Take(parts.queue.jobs.get(), RecordOf(options),
                                      RegistrationOptions(options, parts.queue, *parts.pool)));
  return parts;
}

}  // namespace tweedie
