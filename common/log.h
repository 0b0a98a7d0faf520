#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/status.h"
#include "common/time.h"

namespace spdlog::sinks {
class sink;
}

namespace strata {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error"; InvalidArgument names the text otherwise.
StatusOr<LogLevel> ParseLogLevel(std::string_view text);
std::string_view ToString(LogLevel level);

// One key=value of a line. The value is a number, a bool, a text, a Duration (written in seconds)
// or anything with a ToString(). Lives as long as the full expression it is written in.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value)
      : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, bool value);
  LogField(std::string_view key, double value);
  LogField(std::string_view key, Duration value);
  template <std::integral Number>
  LogField(std::string_view key, Number value) : key_(key), value_(std::to_string(value)) {}
  template <class T>
  requires(std::is_class_v<T> || std::is_enum_v<T>) && requires(const T& value) {
    { ToString(value) } -> std::convertible_to<std::string_view>;
  }
  LogField(std::string_view key, const T& value)
      : LogField(key, std::string_view(ToString(value))) {}

  std::string_view key() const { return key_; }
  const std::string& value() const { return value_; }  // Quoted where it has to be.

 private:
  std::string_view key_;
  std::string value_;
};

// Writes lines of key=value pairs for one component, to stderr unless told otherwise:
//
//   time=2024-05-01T10:00:00.000123Z level=info component=multicast event="view installed" epoch=7
//
// Events are for operators: few, each worth a line. What happens per packet has a counter instead.
// Control characters and quotes inside values are escaped: a peer cannot forge a line.
//
// A cheap value; copies share the destination. Any thread may call any method; a line is written
// whole. Writing blocks while stderr does: not for data paths.
class Logger {
 public:
  explicit Logger(std::string_view component);
  Logger(std::string_view component, std::shared_ptr<spdlog::sinks::sink> sink);

  void Debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void Info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void Warning(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void Error(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) const;

  // Lets callers skip the making of costly fields.
  static bool IsEnabled(LogLevel level);
  // For the whole process; kInfo at the start.
  static void SetLevel(LogLevel level);

 private:
  std::string component_;
  std::shared_ptr<spdlog::sinks::sink> sink_;
};

}  // namespace strata
