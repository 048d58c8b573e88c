#ifndef TWEEDIE_TESTS_TESTING_SERVER_PROCESS_H_
#define TWEEDIE_TESTS_TESTING_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace tweedie {

// A real `tweedied` as a child process. Killed when this ends. Not thread-safe.
class ServerProcess {
 public:
  // Starts the binary and waits for its line `listening on HOST:PORT`. Null,
  // with `*error` set to what it wrote to standard error, if it ends before.
  static std::unique_ptr<ServerProcess> Start(const std::string& binary,
                                              const std::vector<std::string>& arguments,
                                              std::string* error = nullptr);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }
  // False once the process has ended by itself. Stop() tells how.
  bool IsAlive() const;
  // kill -9, and waits until the process is gone.
  void Kill();
  // Sends `signal` and waits for the end. The exit code, or -signal if it died
  // of one.
  int Stop(int signal);

 private:
  ServerProcess(pid_t pid, int output) : pid_(pid), output_(output) {}
  bool ReadAddress();
  int Wait();

  pid_t pid_;
  int output_;  // the read end of its standard output
  std::string address_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_SERVER_PROCESS_H_
