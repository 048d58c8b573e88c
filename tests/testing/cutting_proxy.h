#ifndef TWEEDIE_TESTS_TESTING_CUTTING_PROXY_H_
#define TWEEDIE_TESTS_TESTING_CUTTING_PROXY_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {

// Stands between a client and a PostgreSQL server, each on a Unix socket
// `.s.PGSQL.5432` of a folder, and cuts connections where a test wants it.
// Thread-safe.
class CuttingProxy {
 public:
  // `server_folder` holds the server's socket.
  explicit CuttingProxy(const std::string& server_folder);
  ~CuttingProxy();

  // Folder of the socket to connect to.
  const std::string& folder() const { return folder_.path(); }

  enum class Cut {
    kBefore,   // the server gets nothing of what holds the word
    kAfter,    // the server does what it is asked to; its answer is lost
    kSilent,   // the server gets nothing, and the client no end of the connection
    kForGood,  // like kBefore, and all connections end at once until Mend()
  };
  // Once, when a client next sends something that holds `word`.
  void CutAt(const std::string& word, Cut cut) ABSL_LOCKS_EXCLUDED(mu_);
  void Mend() ABSL_LOCKS_EXCLUDED(mu_);
  int num_cuts() const ABSL_LOCKS_EXCLUDED(mu_);
  int num_connections() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Accept();
  void Serve(int client);
  bool refuses() const ABSL_LOCKS_EXCLUDED(mu_);
  // Passes on what there is from one to the other; false at the end.
  bool FromClient(int client, int server);
  bool FromServer(int server, int client);

  const TempFolder folder_;
  const std::string server_path_;
  int listener_ = -1;
  int stop_event_ = -1;
  mutable absl::Mutex mu_;
  std::string word_ ABSL_GUARDED_BY(mu_);
  Cut cut_ ABSL_GUARDED_BY(mu_) = Cut::kBefore;
  bool refuses_ ABSL_GUARDED_BY(mu_) = false;
  int num_cuts_ ABSL_GUARDED_BY(mu_) = 0;
  int num_connections_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::thread> serving_ ABSL_GUARDED_BY(mu_);
  std::thread accepting_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_CUTTING_PROXY_H_
