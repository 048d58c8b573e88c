#include "server/tls/certificates.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/file.h"
#include "core/base/file_state.h"
#include "core/base/status_macros.h"
#include "net/token.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxBytes = 1 << 20;

std::string InUtc(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }

std::vector<std::string> StatesOf(const Certificates::Files& files) {
  return {StateOfFile(files.certificate), StateOfFile(files.key), StateOfFile(files.client_ca)};
}

absl::StatusOr<std::shared_ptr<const TlsMaterial>> Read(const Certificates::Files& files) {
  TlsMaterial material;
  ASSIGN_OR_RETURN(material.chain, ReadFile(files.certificate, kMaxBytes));
  ASSIGN_OR_RETURN(material.key, ReadFile(files.key, kMaxBytes));
  const absl::StatusOr<CertificateInfo> info = CheckKeyPair(material.chain, material.key);
  if (!info.ok()) return InFile(files.certificate + ", " + files.key, info.status());
  material.info = *info;
  if (!files.client_ca.empty()) {
    ASSIGN_OR_RETURN(material.client_ca, ReadFile(files.client_ca, kMaxBytes));
    const absl::Status checked = CheckAuthorities(material.client_ca);
    if (!checked.ok()) return InFile(files.client_ca, checked);
  }
  return std::make_shared<const TlsMaterial>(std::move(material));
}

void WarnOfMode(const std::string& key) {
  struct stat info = {};
  if (stat(key.c_str(), &info) != 0 || !IsReadableByOthers(info.st_mode)) return;
  spdlog::warn("{}: others than its owner can read this key", key);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Certificates>> Certificates::Load(const Files& files) {
  const States states = StatesOf(files);
  ASSIGN_OR_RETURN(auto material, Read(files));
  WarnOfMode(files.key);
  std::unique_ptr<Certificates> loaded(new Certificates(files, states, std::move(material)));
  loaded->WarnOfDates();
  return loaded;
}

Certificates::Certificates(Files files, States states, std::shared_ptr<const TlsMaterial> material)
    : files_(std::move(files)), taken_(states), seen_(states), material_(std::move(material)) {}

void Certificates::Look() {
  States states = StatesOf(files_);
  if (states != taken_ && states == seen_) Take(states);
  seen_ = std::move(states);
  WarnOfDates();
}

void Certificates::Take(const States& states) {
  absl::StatusOr<std::shared_ptr<const TlsMaterial>> read = Read(files_);
  if (!read.ok()) {
    if (states == refused_) return;
    refused_ = states;
    spdlog::error("TLS goes on with what it has: {}", std::string(read.status().message()));
    return;
  }
  taken_ = states;
  const CertificateInfo& info = (*read)->info;
  spdlog::info("TLS: {} has changed: {}, serial {}, until {}", files_.certificate, info.subject,
               info.serial, InUtc(info.not_after));
  absl::MutexLock lock(&mu_);
  material_ = *std::move(read);
}

void Certificates::WarnOfDates() {
  const CertificateInfo info = current()->info;
  const absl::Time now = absl::Now();
  const bool is_stale = now < info.not_before || now > info.not_after;
  if (is_stale && !is_stale_) {
    spdlog::warn("{}: valid from {} until {} only: clients will refuse it", files_.certificate,
                 InUtc(info.not_before), InUtc(info.not_after));
  }
  is_stale_ = is_stale;
}

std::shared_ptr<const TlsMaterial> Certificates::current() const {
  absl::MutexLock lock(&mu_);
  return material_;
}

}  // namespace tweedie
