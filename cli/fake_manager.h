#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/tls/tls_files.h"
#include "proto/manager.pb.h"

namespace strata::cli {

// A Service Manager for tests, in this process, on a port of its own, with real certificates: a
// farm of three engines, of which south-1 is degraded and west-1 down, and the site "films".
class FakeManager {
 public:
  explicit FakeManager(const tls::TlsPaths& paths);
  FakeManager(const FakeManager&) = delete;
  FakeManager& operator=(const FakeManager&) = delete;
  ~FakeManager();

  std::string address() const;  // HOST:PORT

  // From then on it is read-only.
  void LoseQuorum();
  // Refuses most calls: this one leads.
  void Follow(const std::string& leader);
  // From then on it is in a federation: others hold what nobody here does.
  void Federate();
  // Its clock is wrong by so much.
  void SetClockAhead(int64_t ms);
  // Answers no call until it is destroyed.
  void Freeze();
  // Is not attached any more to the manager above it.
  void LoseParent();
  // All engines are there, and all confirm.
  void HealEngines();
  tls::TlsStore& store();

 private:
  class Service;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::cli
