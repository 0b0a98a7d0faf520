#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/testing/test_cable.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/link/test_peers.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/uplink/test_manager.h"

namespace strata::manager::uplink::testing {

// A parent of level 3, a child of level 1 or 2, and a cable between them.
class TestFamily {
 public:
  explicit TestFamily(uint32_t level) : child_(authority_, level, folder_ + "/child") {}
  ~TestFamily() {
    child_.Cease();
    cable_.reset();
    parent_.reset();
  }

  TestManager& child() { return child_; }
  link::testing::TestParent& parent() { return *parent_; }
  TestCable& cable() { return *cable_; }

  // The child leads from now on.
  void Begin() {
    child_.Begin([address = ToString(cable_->endpoint())] { return std::vector{address}; });
  }

  // What the parent lacks, or has and should not; once it is quiet. Digests say nothing of URIs, so
  // one that comes while nobody leads, or just before a feed that begins anew, may not be told.
  enum class Uris : uint8_t { kCompare, kIgnore };
  std::string Difference(Uris uris = Uris::kCompare) {
    if (!child_.AwaitQuiet()) return "not quiet: " + Describe(child_.uplink().state());
    std::string difference;
    const auto add = [&](const char* what, const link::testing::Known& has,
                         const link::testing::Known& has_not) {
      for (const auto& copy : has) {
        if (has_not.contains(copy)) continue;
        const auto& [key, holder, flags] = copy;
        difference += what + farm::ToString(key) + " at " + ToString(holder) + " with " +
                      std::to_string(flags) + "\n";
      }
    };
    const link::testing::Known childs = child_.expected();
    const link::testing::Known parents = parent_->known();
    add("lacks ", childs, parents);
    add("has ", parents, childs);
    if (uris == Uris::kIgnore) return difference;
    for (const std::string& uri : child_.expected_uris()) {
      const auto stored = parent_->store().FindUri(farm::KeyOf(uri));
      if (!stored.ok() || stored->value_or("") != uri) difference += "lacks the URI " + uri + "\n";
    }
    return difference;
  }

 private:
  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/uplink-XXXXXX";
    return mkdtemp(path.data());
  }
  static std::string Describe(const Uplink::State& state) {
    return std::to_string(state.waiting) + " wait, " + std::to_string(state.waiting_for_uri) +
           " for URIs, " + (state.walking ? "walks, " : "") +
           (state.link.connected ? "connected, " : "not connected, ") +
           std::to_string(state.link.dirty_ranges) + " dirty, " +
           std::to_string(state.link.kept_records) + " kept, " + ToString(state.link.last) + ", " +
           ToString(state.trouble);
  }

  struct Folder {
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = NewFolder();
  };
  const Folder owned_;
  const std::string& folder_ = owned_.path;
  tls::TestAuthority authority_{folder_};
  const std::shared_ptr<tls::TlsStore> tls_ =
      *tls::TlsStore::Open(authority_.Issue("strata://cdn-one/manager/p"));
  const std::unique_ptr<store::RocksStore> audit_store_ =
      *store::RocksStore::Open({.folder = folder_ + "/audit"});
  control::AuditLog audit_{*audit_store_};
  MetricRegistry metrics_;
  rpc::Guard guard_{tls_, "cdn-one", audit_, metrics_, false};
  std::unique_ptr<link::testing::TestParent> parent_ = std::make_unique<link::testing::TestParent>(
      tls_, guard_, federation::ScopeLevel{.scope = "cdn-one", .level = 3}, folder_ + "/parent");
  std::unique_ptr<TestCable> cable_ = std::make_unique<TestCable>(parent_->endpoint());
  TestManager child_;
};

}  // namespace strata::manager::uplink::testing
