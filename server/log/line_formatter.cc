#include "server/log/line_formatter.h"

#include <spdlog/details/log_msg.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/log/log_text.h"

namespace tweedie {
namespace {

using Json = nlohmann::ordered_json;

std::string ToView(spdlog::string_view_t text) { return {text.data(), text.size()}; }

void Append(absl::string_view text, spdlog::memory_buf_t& line) {
  line.append(text.data(), text.data() + text.size());
}

// The fields of a message that has some; a discarded value otherwise.
Json FieldsOf(const spdlog::details::log_msg& message) {
  if (message.source.filename != kFieldsSource) return Json(Json::value_t::discarded);
  return Json::parse(message.payload.begin(), message.payload.end(), nullptr,
                     /*allow_exceptions=*/false);
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

std::string ValueText(const Json& value) {
  return value.is_string() ? LogValue(value.get<std::string>()) : Dump(value);
}

// The fields, and then the message, which only repeats the event where there is one.
std::string Text(const Json& fields) {
  std::string text;
  for (const auto& [name, value] : fields.items()) {
    if (name == "message") continue;
    absl::StrAppend(&text, text.empty() ? "" : " ", name, "=", ValueText(value));
  }
  const std::string message = fields.value("message", "");
  if (!fields.contains("event")) absl::StrAppend(&text, " ", EscapeLogText(message));
  return text;
}

std::string JsonLine(const spdlog::details::log_msg& message, absl::string_view level) {
  Json line;
  line["time"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(message.time), absl::UTCTimeZone());
  line["level"] = std::string(level);
  Json fields = FieldsOf(message);
  if (!fields.is_object()) {
    line["message"] = ToView(message.payload);
    return Dump(line);
  }
  for (auto& [name, value] : fields.items()) line[name] = std::move(value);
  return Dump(line);
}

}  // namespace

void LineFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
  const std::string level = ToView(spdlog::level::to_string_view(message.level));
  if (format_ == LogFormat::kJson) {
    Append(JsonLine(message, level), line);
  } else {
    Append(absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez ", absl::FromChrono(message.time),
                            absl::LocalTimeZone()),
           line);
    message.color_range_start = line.size();
    Append(level, line);
    message.color_range_end = line.size();
    const Json fields = FieldsOf(message);
    Append(absl::StrCat(" ",
                        fields.is_object() ? Text(fields) : EscapeLogText(ToView(message.payload))),
           line);
  }
  Append("\n", line);
}

std::unique_ptr<spdlog::formatter> LineFormatter::clone() const {
  return std::make_unique<LineFormatter>(format_);
}

}  // namespace tweedie
