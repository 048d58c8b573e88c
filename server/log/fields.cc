#include "server/log/fields.h"

#include <spdlog/spdlog.h>

#include <string>

#include "server/log/line_formatter.h"

namespace tweedie {

void WriteFields(spdlog::level::level_enum level, const LogFields& fields) {
  const std::string payload = fields.dump(-1, ' ', false, LogFields::error_handler_t::replace);
  spdlog::default_logger_raw()->log(spdlog::source_loc{kFieldsSource, 1, ""}, level,
                                    spdlog::string_view_t(payload));
}

}  // namespace tweedie
