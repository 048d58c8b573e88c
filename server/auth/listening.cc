#include "server/auth/listening.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "net/target.h"

namespace tweedie {
namespace {

absl::Status Check(absl::string_view option, const std::string& address,
                   const Listening& listening) {
  std::vector<std::string> wanted;
  if (!listening.has_tls && !listening.without_tls) {
    wanted.push_back(
        "--tls-cert and --tls-key, or --without-tls if whoever reads what passes may (or a proxy "
        "has TLS)");
  }
  if (!listening.has_tokens && !listening.without_tokens) {
    wanted.push_back("--tokens-file, or --without-tokens if whoever reaches it may do everything");
  }
  if (wanted.empty() || address.empty() || IsLocalAddress(address)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("other machines can reach ", option, " ", address, ": give ",
                   absl::StrJoin(wanted, "; and "), "; or listen on 127.0.0.1"));
}

// Nobody who asks for certificates means that others may do everything.
absl::Status CheckDashboard(const Listening& listening) {
  const bool is_guarded = listening.has_tokens || !listening.has_client_ca;
  if (is_guarded || !listening.has_dashboard || listening.http.empty() ||
      IsLocalAddress(listening.http)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "other machines can reach the dashboard at --http ", listening.http,
      ", which asks nobody for a certificate of --tls-client-ca: give --tokens-file; or "
      "--dashboard=false; or serve it on 127.0.0.1"));
}

}  // namespace

bool IsLocalAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) return false;
  return host == "localhost" || IsLoopbackHost(std::string(host));
}

absl::Status CheckListening(const Listening& listening) {
  for (const std::string& address : listening.listen) {
    RETURN_IF_ERROR(Check("--listen", address, listening));
  }
  RETURN_IF_ERROR(Check("--http", listening.http, listening));
  return CheckDashboard(listening);
}

}  // namespace tweedie
