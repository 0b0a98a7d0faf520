#include "common/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <cstdio>

namespace strata {
namespace {

// One value is cut here: a line must stay readable, whatever a peer sent.
constexpr size_t kValueBytesMax = 2000;

constexpr std::array<LogLevel, 4> kLevels = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning,
                                             LogLevel::kError};

std::atomic<LogLevel> least_level = LogLevel::kInfo;

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::sinks::sink> StderrSink() {
  static const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return sink;
}

bool NeedsQuotes(std::string_view value) {
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return value.empty();
}

void AppendEscaped(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
  } else if (c == '\n') {
    out += "\\n";
  } else if ((c >= 0 && c < ' ') || c == 0x7f) {
    std::array<char, 5> code;
    std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned>(c) & 0xffU);
    out += code.data();
  } else {
    out.push_back(c);
  }
}

std::string Quoted(std::string_view value) {
  const bool cut = value.size() > kValueBytesMax;
  if (cut) value = value.substr(0, kValueBytesMax);
  if (!cut && !NeedsQuotes(value)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) AppendEscaped(out, c);
  out += cut ? "...\"" : "\"";
  return out;
}

std::string Number(double value) {
  std::array<char, 32> digits;
  std::snprintf(digits.data(), digits.size(), "%.9g", value);
  return digits.data();
}

}  // namespace

StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  for (const LogLevel level : kLevels) {
    if (text == ToString(level)) return level;
  }
  return InvalidArgument("\"%.*s\" is not a log level (debug, info, warning, error)",
                         static_cast<int>(text.size()), text.data());
}

std::string_view ToString(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

LogField::LogField(std::string_view key, std::string_view value)
    : key_(key), value_(Quoted(value)) {}
LogField::LogField(std::string_view key, bool value)
    : key_(key), value_(value ? "true" : "false") {}
LogField::LogField(std::string_view key, double value) : key_(key), value_(Number(value)) {}
LogField::LogField(std::string_view key, Duration value)
    : key_(key), value_(Number(Seconds(value))) {}

Logger::Logger(std::string_view component) : Logger(component, StderrSink()) {}

Logger::Logger(std::string_view component, std::shared_ptr<spdlog::sinks::sink> sink)
    : component_(Quoted(component)), sink_(std::move(sink)) {
  // %v is the line this class builds; level and time are spdlog's.
  sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>("time=%Y-%m-%dT%H:%M:%S.%fZ %v",
                                                                   spdlog::pattern_time_type::utc));
}

void Logger::Debug(std::string_view event, std::initializer_list<LogField> fields) const {
  Log(LogLevel::kDebug, event, std::span(fields.begin(), fields.size()));
}
void Logger::Info(std::string_view event, std::initializer_list<LogField> fields) const {
  Log(LogLevel::kInfo, event, std::span(fields.begin(), fields.size()));
}
void Logger::Warning(std::string_view event, std::initializer_list<LogField> fields) const {
  Log(LogLevel::kWarning, event, std::span(fields.begin(), fields.size()));
}
void Logger::Error(std::string_view event, std::initializer_list<LogField> fields) const {
  Log(LogLevel::kError, event, std::span(fields.begin(), fields.size()));
}

void Logger::Log(LogLevel level, std::string_view event, std::span<const LogField> fields) const {
  if (!IsEnabled(level)) return;
  std::string line = "level=";
  line += ToString(level);
  line += " component=" + component_;
  line += " event=" + Quoted(event);
  for (const LogField& field : fields) {
    line.push_back(' ');
    line += field.key();
    line.push_back('=');
    line += field.value();
  }
  sink_->log(spdlog::details::log_msg(component_, SpdlogLevel(level), line));
}

bool Logger::IsEnabled(LogLevel level) {
  return level >= least_level.load(std::memory_order_relaxed);
}

void Logger::SetLevel(LogLevel level) { least_level.store(level, std::memory_order_relaxed); }

}  // namespace strata
