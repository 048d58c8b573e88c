#ifndef TWEEDIE_BENCH_COMMANDS_H_
#define TWEEDIE_BENCH_COMMANDS_H_

#include <functional>
#include <istream>
#include <map>
#include <string>

#include "nlohmann/json.hpp"

namespace tweedie {

// By name; each reads its arguments, and returns a JSON object.
using Commands = std::map<std::string, std::function<nlohmann::json(std::istream& words)>>;

// At the command of bench/harness, up to the end of standard input: each line of it is a command,
// each line of standard output its answer. Fails on what is no command or lacks arguments.
void Serve(const Commands& commands);

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_COMMANDS_H_
