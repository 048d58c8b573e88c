#ifndef TWEEDIE_SERVER_TLS_CERTIFICATES_H_
#define TWEEDIE_SERVER_TLS_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/pem.h"

namespace tweedie {

// What a server shows in TLS handshakes, as PEM. The key is a secret.
struct TlsMaterial {
  std::string chain;  // its own certificate first
  std::string key;
  std::string client_ca;  // empty: clients are not asked for a certificate
  CertificateInfo info;   // of its own certificate
};

// A server's certificate and key, and the authorities of its clients' certificates, from
// files that are read again when they change. What is taken is always a whole: a pair of
// which one half is new, or a file that cannot be read, changes nothing. Thread-safe.
class Certificates {
 public:
  struct Files {
    std::string certificate;  // chain
    std::string key;
    std::string client_ca;  // none if empty
  };
  // INVALID_ARGUMENT, or the error of reading, naming the file. Warns of a certificate
  // that is out of date, as of a key that others can read.
  static absl::StatusOr<std::unique_ptr<Certificates>> Load(const Files& files);

  // Looks whether the files have changed, and takes them once they have stayed the same
  // from one look to the next. Logs what was taken and, once, what was not. For one
  // thread.
  void Look() ABSL_LOCKS_EXCLUDED(mu_);

  // What holds now; never null.
  std::shared_ptr<const TlsMaterial> current() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using States = std::vector<std::string>;
  Certificates(Files files, States states, std::shared_ptr<const TlsMaterial> material);
  void Take(const States& states) ABSL_LOCKS_EXCLUDED(mu_);
  void WarnOfDates() ABSL_LOCKS_EXCLUDED(mu_);

  const Files files_;
  // Of Look()'s thread:
  States taken_;           // of the files that material_ is from
  States seen_;            // at the last look
  States refused_;         // of files that could not be taken, as was logged
  bool is_stale_ = false;  // the certificate has run out, and it was logged
  mutable absl::Mutex mu_;
  std::shared_ptr<const TlsMaterial> material_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TLS_CERTIFICATES_H_
