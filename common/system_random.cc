#include "common/system_random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "common/check.h"

namespace strata {
namespace {

// getrandom(2) is never short and never interrupted up to this size, once the pool is initialised.
constexpr size_t kWholeUpTo = 256;

void FillFromSystem(void* out, size_t size) {
  for (;;) {
    const ssize_t got = getrandom(out, size, 0);
    if (got == static_cast<ssize_t>(size)) return;
    STRATA_CHECK(got < 0 && errno == EINTR, "getrandom: %s", std::strerror(errno));
  }
}

}  // namespace

uint64_t SystemRandom::Next() {
  static_assert(sizeof(block_) <= kWholeUpTo);
  if (left_ == 0) {
    FillFromSystem(block_.data(), sizeof(block_));
    left_ = block_.size();
  }
  --left_;
  const uint64_t word = block_[left_];
  block_[left_] = 0;
  return word;
}

}  // namespace strata
