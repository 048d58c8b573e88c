#include "server/peers/registration.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

absl::StatusOr<std::optional<ServerRecord>> FindServer(ServerRegistry& registry,
                                                       const std::string& name) {
  ASSIGN_OR_RETURN(std::vector<ServerRecord> servers, registry.Servers());
  for (ServerRecord& server : servers) {
    if (server.name == name) return std::move(server);
  }
  return std::nullopt;
}

absl::Status NameInUse(const ServerRecord& holder) {
  const std::string where = holder.address.empty() ? "" : absl::StrCat(" at ", holder.address);
  return absl::FailedPreconditionError(
      absl::StrCat("a server named ", holder.name, " uses this queue", where, ", started at ",
                   absl::FormatTime(absl::RFC3339_sec, holder.start_time, absl::UTCTimeZone()),
                   "; give this one a name of its own (--server-name)"));
}

// Whether the holder of the name has shown that it lives since it was `before`.
bool HasMoved(const ServerRecord& before, const ServerRecord& now) {
  return now.instance != before.instance || now.lease_end > before.lease_end;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registration>> Registration::Take(ServerRegistry* registry,
                                                                 const ServerRecord& server,
                                                                 Options options) {
  std::unique_ptr<Registration> registration(
      new Registration(registry, server, std::move(options)));
  ServerRecord& own = registration->server_;
  own.instance = RandomBits();
  own.address.clear();
  std::optional<ServerRecord> before;
  while (true) {
    const absl::Status taken = registration->Register();
    if (taken.ok()) return registration;
    if (!absl::IsAlreadyExists(taken)) return taken;
    ASSIGN_OR_RETURN(const std::optional<ServerRecord> holder, FindServer(*registry, own.name));
    if (holder.has_value()) {
      if (before.has_value() && HasMoved(*before, *holder)) return NameInUse(*holder);
      if (!before.has_value()) {
        spdlog::warn("a server named {} used this queue: waiting until its lease runs out",
                     own.name);
      }
      before = holder;
    }
    registration->options_.wait(registration->options_.look);
  }
}

absl::Status Registration::Register() const {
  ServerRecord server = server_;
  server.models = options_.models();
  const absl::Status registered = registry_->Register(server, options_.terms);
  if (registered.ok() || !options_.terms.alone) return registered;
  // Nobody else looks: a full disk, say, is no reason not to run.
  spdlog::warn("registration: {}", registered.ToString());
  return absl::OkStatus();
}

absl::Status Registration::Confirm() const {
  const absl::Status registered = Register();
  if (!absl::IsAlreadyExists(registered)) return registered;
  return absl::FailedPreconditionError(registered.message());
}

absl::Status Registration::Publish(const std::string& address) {
  server_.address = address;
  RETURN_IF_ERROR(Confirm());
  if (options_.terms.alone) return absl::OkStatus();
  renewer_ = std::make_unique<PeriodicThread>("registration", options_.renew, [this] { Renew(); });
  return absl::OkStatus();
}

void Registration::Renew() const {
  // Tried again at the next turn; meanwhile the others may not see this server.
  const absl::Status renewed = Register();
  if (!renewed.ok()) spdlog::error("registration: {}", renewed.ToString());
}

void Registration::End() {
  if (std::exchange(ended_, true)) return;
  renewer_.reset();
  const absl::Status left = registry_->Unregister(server_);
  // The lease runs out then.
  if (!left.ok()) spdlog::warn("registration: {}", left.ToString());
}

}  // namespace tweedie
