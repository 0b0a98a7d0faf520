#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"

namespace strata {

// Kinds told apart by one DistinctLog; those beyond share one count.
inline constexpr size_t kDistinctKindsMax = 256;

// Keeps what repeats from flooding the log: of each kind of event it writes the 1st, the 10th, the
// 100th... occurrence, with the count so far. For errors that a peer or a broken disk can cause as
// often as it likes; each has a counter besides.
//
// A kind is the event and the key, which should have few values (a reason, a peer; never a URI).
// Any thread may call; owned by whoever reports.
class DistinctLog {
 public:
  explicit DistinctLog(Logger logger);

  void Warning(std::string_view event, std::string_view key,
               std::initializer_list<LogField> fields = {});
  void Error(std::string_view event, std::string_view key,
             std::initializer_list<LogField> fields = {});

 private:
  void Report(LogLevel level, std::string_view event, std::string_view key,
              std::initializer_list<LogField> fields);
  uint64_t Count(std::string_view event, std::string_view key);

  const Logger logger_;
  absl::Mutex mu_;
  std::map<std::string, uint64_t, std::less<>> counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata
