#ifndef TWEEDIE_TESTS_TESTING_CHILD_PROCESS_H_
#define TWEEDIE_TESTS_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace tweedie {

// How a program ended, and all that it wrote.
struct Finished {
  int exit_code = -1;  // or -signal if it died of one
  std::string out;
  std::string err;
};

// A program whose output is caught. Killed when this ends. Not thread-safe.
class ChildProcess {
 public:
  // `environment` holds `NAME=value` pairs, which go before this process's own.
  // Null if the program cannot be started.
  static std::unique_ptr<ChildProcess> Start(const std::string& binary,
                                             const std::vector<std::string>& arguments,
                                             const std::vector<std::string>& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits for a line on standard error that contains `text`. False if the
  // program closes it before.
  bool WaitForError(const std::string& text);
  void Signal(int signal);
  pid_t pid() const { return pid_; }  // until Wait()
  // Waits for the end.
  Finished Wait();

 private:
  ChildProcess(pid_t pid, FILE* out, int err) : pid_(pid), out_(out), err_(err) {}
  bool ReadMoreErrors();

  pid_t pid_;
  FILE* const out_;   // a file, which cannot fill up as a pipe does
  const int err_;     // the read end of a pipe
  std::string seen_;  // on standard error
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_CHILD_PROCESS_H_
