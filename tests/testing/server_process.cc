#include "tests/testing/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
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

}  // namespace

std::unique_ptr<ServerProcess> ServerProcess::Start(const std::string& binary,
                                                    const std::vector<std::string>& arguments,
                                                    std::string* error) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return nullptr;
  FILE* log = error != nullptr ? tmpfile() : nullptr;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  if (log != nullptr) posix_spawn_file_actions_adddup2(&actions, fileno(log), STDERR_FILENO);
  std::vector<char*> argv = {const_cast<char*>(binary.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int spawned = posix_spawn(&pid, binary.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  std::unique_ptr<ServerProcess> server;
  if (spawned == 0) {
    server.reset(new ServerProcess(pid, output[0]));
    if (!server->ReadAddress()) {
      server->Wait();
      server.reset();
    }
  } else {
    close(output[0]);
  }
  if (log != nullptr) {
    *error = ReadAll(log);
    fclose(log);
  }
  return server;
}

ServerProcess::~ServerProcess() {
  Kill();
  close(output_);
}

bool ServerProcess::ReadAddress() {
  const std::string prefix = "listening on ";
  std::string line;
  for (char c; read(output_, &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    if (line.rfind(prefix, 0) == 0) {
      address_ = line.substr(prefix.size());
      return true;
    }
    line.clear();
  }
  return false;
}

int ServerProcess::Wait() {
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool ServerProcess::IsAlive() const {
  siginfo_t ended = {};
  const int error = waitid(P_PID, pid_, &ended, WEXITED | WNOHANG | WNOWAIT);
  return error == 0 && ended.si_pid == 0;
}

void ServerProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

int ServerProcess::Stop(int signal) {
  kill(pid_, signal);
  return Wait();
}

}  // namespace tweedie
