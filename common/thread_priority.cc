#include "common/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace strata {
namespace {

constexpr int kBulkNice = 10;

}  // namespace

void YieldToOthers() {
  // Of Linux: each thread has its own, though POSIX says that it is the process's.
  const auto thread = static_cast<id_t>(gettid());
  if (getpriority(PRIO_PROCESS, thread) < kBulkNice) setpriority(PRIO_PROCESS, thread, kBulkNice);
}

}  // namespace strata
