#ifndef TWEEDIE_SERVER_LOG_FIELDS_H_
#define TWEEDIE_SERVER_LOG_FIELDS_H_

#include <spdlog/common.h>

#include <nlohmann/json.hpp>

namespace tweedie {

// What a line says besides its time and level, in its order; `message` among it. A line
// that has an `event` is known by that, and shows people no message.
using LogFields = nlohmann::ordered_json;

// Thread-safe.
void WriteFields(spdlog::level::level_enum level, const LogFields& fields);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_FIELDS_H_
