#include "client/cli/option_group.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "client/cli/one_of.h"

namespace tweedie::cli {

OptionGroup::OptionGroup(CLI::App* command, std::string heading)
    : command_(command), heading_(std::move(heading)) {}

void OptionGroup::Add(const char* flag, std::optional<double>* value, const char* help) {
  command_->add_option(flag, *value, help)->group(heading_);
}

void OptionGroup::Add(const char* flag, std::optional<int32_t>* value, const char* help) {
  command_->add_option(flag, *value, help)->group(heading_);
}

void OptionGroup::Add(const char* flag, std::optional<std::string>* value, const char* type,
                      const char* help) {
  command_->add_option(flag, *value, help)->type_name(type)->group(heading_);
}

void OptionGroup::Add(const char* flag, std::vector<std::string>* values, const char* type,
                      const char* help) {
  command_->add_option(flag, *values, help)->type_name(type)->group(heading_);
}

void OptionGroup::AddFlag(const char* flag, bool* value, const char* help) {
  command_->add_flag(flag, *value, help)->group(heading_);
}

void OptionGroup::AddChoice(const char* flag, std::optional<std::string>* value,
                            std::vector<std::string> choices, const char* help) {
  command_->add_option(flag, *value, help)->check(OneOf(std::move(choices)))->group(heading_);
}

void OptionGroup::AddWithOptionalValue(const char* flag, std::optional<std::string>* value,
                                       const char* type, const char* help) {
  // As an optional, "" would be read as none.
  command_
      ->add_option_function<std::string>(
          flag, [value](const std::string& text) { *value = text; }, help)
      ->type_name(type)
      ->expected(0, 1)
      ->group(heading_);
}

}  // namespace tweedie::cli
