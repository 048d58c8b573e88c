#include "tests/testing/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

extern char** environ;

namespace tweedie {
namespace {

std::string ReadAll(FILE* file) {
  std::string text;
  char buffer[4096];
  rewind(file);
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), file)) > 0;) text.append(buffer, n);
  return text;
}

// Null-terminated, as exec() takes it. Points into `strings`.
std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// getenv() takes the first of two equal names.
std::vector<std::string> WithOwnEnvironment(std::vector<std::string> variables) {
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  return variables;
}

}  // namespace

std::unique_ptr<ChildProcess> ChildProcess::Start(const std::string& binary,
                                                  const std::vector<std::string>& arguments,
                                                  const std::vector<std::string>& environment) {
  int errors[2];
  FILE* out = tmpfile();
  if (out == nullptr || pipe2(errors, O_CLOEXEC) != 0) return nullptr;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  std::vector<std::string> argv = {binary};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const std::vector<std::string> variables = WithOwnEnvironment(environment);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, binary.c_str(), &actions, nullptr, Pointers(argv).data(),
                                 Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(errors[1]);
  std::unique_ptr<ChildProcess> child(new ChildProcess(failed == 0 ? pid : -1, out, errors[0]));
  return failed == 0 ? std::move(child) : nullptr;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  fclose(out_);
  close(err_);
}

bool ChildProcess::ReadMoreErrors() {
  char buffer[4096];
  const ssize_t n = read(err_, buffer, sizeof(buffer));
  if (n > 0) seen_.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

bool ChildProcess::WaitForError(const std::string& text) {
  while (true) {
    const size_t at = seen_.find(text);
    if (at != std::string::npos && seen_.find('\n', at) != std::string::npos) return true;
    if (!ReadMoreErrors()) return false;
  }
}

void ChildProcess::Signal(int signal) { kill(pid_, signal); }

Finished ChildProcess::Wait() {
  while (ReadMoreErrors()) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  Finished finished;
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  finished.out = ReadAll(out_);
  finished.err = std::move(seen_);
  return finished;
}

}  // namespace tweedie
