#ifndef TWEEDIE_CLIENT_CLI_OPTION_GROUP_H_
#define TWEEDIE_CLIENT_CLI_OPTION_GROUP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// Declares options of a command under one heading of its manual. (CLI11's
// header is dear: files that only declare options need not include it.) What
// `value` points to must outlive the command.
class OptionGroup {
 public:
  OptionGroup(CLI::App* command, std::string heading);

  void Add(const char* flag, std::optional<double>* value, const char* help);
  void Add(const char* flag, std::optional<int32_t>* value, const char* help);
  // `type` stands for the value in the manual.
  void Add(const char* flag, std::optional<std::string>* value, const char* type, const char* help);
  // One value or several. A flag without dashes is positional.
  void Add(const char* flag, std::vector<std::string>* values, const char* type, const char* help);
  void AddFlag(const char* flag, bool* value, const char* help);
  // One of `choices`.
  void AddChoice(const char* flag, std::optional<std::string>* value,
                 std::vector<std::string> choices, const char* help);
  // May be given without a value, which is "" then.
  void AddWithOptionalValue(const char* flag, std::optional<std::string>* value, const char* type,
                            const char* help);

 private:
  CLI::App* const command_;
  const std::string heading_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_OPTION_GROUP_H_
