#include "tests/testing/cutting_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "absl/strings/match.h"

namespace tweedie {
namespace {

constexpr char kSocket[] = ".s.PGSQL.5432";

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

int Listen(const std::string& path) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = AddressOf(path);
  const bool bound =
      bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  return bound && listen(listener, 64) == 0 ? listener : -1;
}

int Connect(const std::string& path) {
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = AddressOf(path);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return server;
  }
  close(server);
  return -1;
}

std::string Receive(int from) {
  char buffer[65536];
  const ssize_t n = recv(from, buffer, sizeof(buffer), 0);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
}

bool Send(int to, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& server_folder)
    : server_path_(server_folder + "/" + kSocket),
      listener_(Listen(folder_.File(kSocket))),
      stop_event_(eventfd(0, EFD_CLOEXEC)),
      accepting_([this] { Accept(); }) {}

CuttingProxy::~CuttingProxy() {
  eventfd_write(stop_event_, 1);
  accepting_.join();
  std::vector<std::thread> serving;
  {
    absl::MutexLock lock(&mu_);
    serving.swap(serving_);
  }
  for (std::thread& thread : serving) thread.join();
  close(listener_);
  close(stop_event_);
}

void CuttingProxy::CutAt(const std::string& word, Cut cut) {
  absl::MutexLock lock(&mu_);
  word_ = word;
  cut_ = cut;
}

void CuttingProxy::Mend() {
  absl::MutexLock lock(&mu_);
  refuses_ = false;
}

bool CuttingProxy::refuses() const {
  absl::MutexLock lock(&mu_);
  return refuses_;
}

int CuttingProxy::num_cuts() const {
  absl::MutexLock lock(&mu_);
  return num_cuts_;
}

int CuttingProxy::num_connections() const {
  absl::MutexLock lock(&mu_);
  return num_connections_;
}

void CuttingProxy::Accept() {
  while (true) {
    pollfd files[] = {{stop_event_, POLLIN, 0}, {listener_, POLLIN, 0}};
    if (poll(files, 2, -1) < 0 || files[0].revents != 0) return;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    absl::MutexLock lock(&mu_);
    ++num_connections_;
    serving_.emplace_back([this, client] { Serve(client); });
  }
}

void CuttingProxy::Serve(int client) {
  const int server = Connect(server_path_);
  bool open = server >= 0 && !refuses();
  while (open) {
    pollfd files[] = {{stop_event_, POLLIN, 0}, {client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(files, 3, -1) < 0 || files[0].revents != 0) break;
    if (files[1].revents != 0) open = FromClient(client, server);
    if (open && files[2].revents != 0) open = FromServer(server, client);
  }
  if (server >= 0) close(server);
  close(client);
}

bool CuttingProxy::FromClient(int client, int server) {
  const std::string bytes = Receive(client);
  if (bytes.empty()) return false;
  std::optional<Cut> cut;
  {
    absl::MutexLock lock(&mu_);
    if (!word_.empty() && absl::StrContains(bytes, word_)) {
      cut = cut_;
      refuses_ = cut_ == Cut::kForGood;
      word_.clear();
      ++num_cuts_;
    }
  }
  if (!cut.has_value()) return Send(server, bytes);
  if (*cut == Cut::kSilent) return true;
  if (*cut == Cut::kAfter && Send(server, bytes)) Receive(server);
  return false;
}

bool CuttingProxy::FromServer(int server, int client) {
  const std::string bytes = Receive(server);
  return !bytes.empty() && Send(client, bytes);
}

}  // namespace tweedie
