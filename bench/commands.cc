#include "bench/commands.h"

#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "bench/fail.h"

namespace tweedie {
namespace {

nlohmann::json Answer(const Commands& commands, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  const auto found = commands.find(command);
  if (found == commands.end()) Fail(absl::StrCat("no command '", command, "'"));
  nlohmann::json answer = found->second(words);
  if (words.fail()) Fail(absl::StrCat("too few arguments: ", line));
  return answer;
}

}  // namespace

void Serve(const Commands& commands) {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(commands, line).dump() << std::endl;
  }
}

}  // namespace tweedie
