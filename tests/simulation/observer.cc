#include "tests/simulation/observer.h"

#include <cstdarg>
#include <cstdio>

namespace strata::simulation {

const MemberProbe* Stage::Find(multicast::MemberId id) const {
  for (const MemberProbe* member : members_) {
    if (member->id() == id) return member;
  }
  return nullptr;
}

void Stage::Fail(const char* checker, const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  failures_.push_back({checker, text});
}

}  // namespace strata::simulation
