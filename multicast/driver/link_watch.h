#pragma once

#include <cstdint>
#include <string>

#include "common/unique_fd.h"

struct nlmsghdr;

namespace strata::multicast {

// Watches one network interface, by name, through rtnetlink: tells when it came up, also if it was
// removed and made anew. One thread.
class LinkWatch {
 public:
  // Starts from the state the interface has now. Without the privilege for a netlink socket fd()
  // is -1 and nothing is ever told.
  LinkWatch(std::string name, uint32_t index, bool up);

  int fd() const { return fd_.get(); }
  // Reads what the kernel told. True if the interface came up, or if something may have been
  // missed.
  bool Read();
  bool up() const { return up_; }
  uint32_t index() const { return index_; }

 private:
  bool ReadMessages(const uint8_t* bytes, size_t size);
  bool OnLink(const nlmsghdr* message);

  const std::string name_;
  uint32_t index_;
  bool up_;
  UniqueFd fd_;
};

}  // namespace strata::multicast
