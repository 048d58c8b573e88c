#include "client/cli/batch/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/local_file.h"
#include "client/cpp/uuid.h"
#include "core/base/status_macros.h"
#include "nlohmann/json.hpp"

namespace tweedie::cli {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

// Text that is no UTF-8, as a file's name may be, is written with U+FFFD.
std::string LineOf(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

absl::StatusOr<Journal::State> StateOf(const std::string& event) {
  if (event == "submitted") return Journal::State::kSubmitted;
  if (event == "done") return Journal::State::kDone;
  if (event == "failed") return Journal::State::kFailed;
  if (event == "refused") return Journal::State::kRefused;
  return absl::InvalidArgumentError(absl::StrCat("unknown event '", event, "'"));
}

std::string TextAt(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> WordsOf(const json& object) {
  std::vector<std::string> words;
  if (!object.contains("command")) return words;
  for (const json& word : object["command"]) {
    if (word.is_string()) words.push_back(word.get<std::string>());
  }
  return words;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& folder) {
  RETURN_IF_ERROR(MakeLocalFolder(folder));
  const std::string path = absl::StrCat(folder, "/batch.jsonl");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return LocalFileError(path, std::strerror(errno));
  std::unique_ptr<Journal> journal(new Journal(path, fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? absl::FailedPreconditionError(
                                      absl::StrCat("another tweedie batch is at work in ", folder))
                                : LocalFileError(path, std::strerror(errno));
  }
  RETURN_IF_ERROR(journal->Load());
  if (journal->key_.empty()) RETURN_IF_ERROR(journal->Begin());
  return journal;
}

Journal::~Journal() { close(fd_); }

absl::Status Journal::Begin() {
  key_ = MakeUuid();
  RETURN_IF_ERROR(Append(LineOf({{"batch", key_}, {"version", kVersion}})));
  // All ids follow from the key: without it a batch would be begun anew.
  return fsync(fd_) == 0 || errno == EINVAL ? absl::OkStatus()
                                            : LocalFileError(path_, std::strerror(errno));
}

absl::Status Journal::Load() {
  ASSIGN_OR_RETURN(const std::string text, ReadLocalFile(path_));
  const size_t end = text.rfind('\n') + 1;  // 0 if there is none
  if (end < text.size() && ftruncate(fd_, static_cast<off_t>(end)) != 0) {
    return LocalFileError(path_, std::strerror(errno));
  }
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text.substr(0, end), '\n')) {
    if (line.empty()) continue;
    const absl::Status status = LoadLine(line, ++number);
    if (!status.ok()) {
      return LocalFileError(absl::StrCat(path_, ":", number), status.message());
    }
  }
  return absl::OkStatus();
}

absl::Status Journal::LoadLine(absl::string_view line, int number) {
  const json parsed = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::InvalidArgumentError("not a line of a batch's journal");
  if (number == 1) {
    key_ = TextAt(parsed, "batch");
    if (!key_.empty() && parsed.value("version", json()) == kVersion) return absl::OkStatus();
    return absl::InvalidArgumentError("not the journal of a batch of this version");
  }
  ASSIGN_OR_RETURN(const State state, StateOf(TextAt(parsed, "event")));
  Record& record = records_[TextAt(parsed, "name")];
  record.state = state;
  const auto attempt = parsed.find("attempt");
  if (state == State::kSubmitted) record.words = WordsOf(parsed);
  // Only submissions tell it in earlier versions.
  if (state != State::kSubmitted && attempt == parsed.end()) return absl::OkStatus();
  if (attempt == parsed.end() || !attempt->is_number_integer()) {
    return absl::InvalidArgumentError("\"attempt\" must be a number");
  }
  record.attempt = attempt->get<int>();
  return absl::OkStatus();
}

Journal::Record Journal::At(const std::string& name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? Record() : found->second;
}

absl::Status Journal::Submitted(const BatchEntry& entry, int attempt, const std::string& job) {
  return Append(LineOf({{"name", entry.name},
                        {"event", "submitted"},
                        {"attempt", attempt},
                        {"job", job},
                        {"command", entry.words}}));
}

absl::Status Journal::Done(const BatchEntry& entry, const std::string& job) {
  return Append(LineOf({{"name", entry.name}, {"event", "done"}, {"job", job}}));
}

absl::Status Journal::Failed(const BatchEntry& entry, int attempt, const std::string& job,
                             absl::string_view error) {
  return Append(LineOf({{"name", entry.name},
                        {"event", "failed"},
                        {"attempt", attempt},
                        {"job", job},
                        {"error", std::string(error)}}));
}

absl::Status Journal::Refused(const BatchEntry& entry, int attempt, absl::string_view error) {
  return Append(LineOf({{"name", entry.name},
                        {"event", "refused"},
                        {"attempt", attempt},
                        {"error", std::string(error)}}));
}

absl::Status Journal::Append(absl::string_view line) {
  const std::string ended = absl::StrCat(line, "\n");
  absl::MutexLock lock(&mu_);
  absl::string_view left = ended;
  while (!left.empty()) {
    const ssize_t n = write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return LocalFileError(path_, std::strerror(errno));
    left.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

}  // namespace tweedie::cli
