#pragma once

#include <sys/types.h>

#include <string>

namespace strata::cli::doctor {

// While it lives, this thread looks at files as that user would, if it is root's to do so; of
// anybody else it changes nothing. Supplementary groups of the user do not count.
class AsUser {
 public:
  explicit AsUser(const std::string& user);
  ~AsUser();
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;

  bool changed() const { return changed_; }

 private:
  bool changed_ = false;
};

// 0, or the errno of why this thread's user may not read, or write, what is there.
int MayRead(const std::string& path);
int MayWrite(const std::string& path);

}  // namespace strata::cli::doctor
