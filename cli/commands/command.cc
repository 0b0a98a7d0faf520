#include "cli/commands/command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/failure.h"
#include "cli/parser_words.h"

namespace strata::cli {
namespace {

template <typename Value>
CLI::Option* AddWord(CLI::App& app, const Word& word, Value& value) {
  return app.add_option(word.name, value, word.help)->type_name(word.type);
}

}  // namespace

Command::Command(CLI::App& app, Session& session, Action& chosen)
    : app_(app), session_(session), chosen_(chosen) {}

Command Command::Group(const char* name, const char* help) {
  CLI::App* group = app_.add_subcommand(name, help);
  group->require_subcommand(1);
  return {*group, session_, chosen_};
}

Command Command::Verb(const char* name, const char* help, Action action) {
  CLI::App* verb = app_.add_subcommand(name, help);
  verb->callback([&chosen = chosen_, action = std::move(action)] { chosen = action; });
  return {*verb, session_, chosen_};
}

Command Command::ManagerVerb(const char* name, const char* help, ManagerAction action) {
  return Verb(name, help, [action = std::move(action)](Session& session) {
    const StatusOr<std::unique_ptr<ManagerClient>> manager = session.OpenManager();
    if (manager.ok()) return action(session.terminal, **manager);
    Fail(session.terminal, manager.status());
    return ExitCode::kUsage;
  });
}

Command& Command::Needs(const Word& word, std::string& value) {
  AddWord(app_, word, value)->required();
  return *this;
}

Command& Command::Needs(const Word& word, std::vector<std::string>& values) {
  AddWord(app_, word, values)->required();
  return *this;
}

Command& Command::Takes(const Word& word, std::string& value) {
  AddWord(app_, word, value);
  return *this;
}

Command& Command::Takes(const Word& word, std::vector<std::string>& values) {
  AddWord(app_, word, values);
  return *this;
}

Command& Command::Takes(const Word& word, uint32_t& value) {
  AddWord(app_, word, value);
  return *this;
}

Command& Command::Takes(const Word& word, uint64_t& value) {
  AddWord(app_, word, value);
  return *this;
}

Command& Command::Takes(const Word& word, int& value, Bounds bounds) {
  app_.add_option(word.name, value, word.help)
      ->check(CLI::Range(bounds.min, bounds.max))
      ->type_name(word.type);
  return *this;
}

Command& Command::Flag(const char* name, bool& value, const char* help) {
  app_.add_flag(name, value, help);
  return *this;
}

CommandTree Command::Tree() const { return TreeOf(app_); }

}  // namespace strata::cli
