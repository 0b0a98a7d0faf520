#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "service_engine/adapters/nginx/nginx_adapter.h"

// For tests: a server that does at once what it is told, and remembers it. Any thread.
namespace strata::engine::app {

class FakeAdapter final : public NginxAdapter {
 public:
  // ---- What the test says.
  void Refuse(const std::string& site, bool refuses = true) {
    const std::lock_guard lock(mutex_);
    refuses ? (void)refused_.insert(site) : (void)refused_.erase(site);
  }
  void FailPurges(bool fails) {
    const std::lock_guard lock(mutex_);
    purges_fail_ = fails;
  }
  void Hold(const farm::ContentKey& key, const farm::Asset& asset) {
    const std::lock_guard lock(mutex_);
    held_[key] = asset;
    changes_.push_back({key, asset});
  }
  void Drop(const farm::ContentKey& key) {
    const std::lock_guard lock(mutex_);
    held_.erase(key);
    changes_.push_back({key, std::nullopt});
  }
  void SetScanComplete(bool complete) {
    const std::lock_guard lock(mutex_);
    scan_complete_ = complete;
  }

  // ---- What the test looks at.
  // What was done: "apply films 2", "purge 1", "invalidate 1", "empty films", "open", "closed".
  std::vector<std::string> done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  size_t CountOf(const std::string& deed) const {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const std::string& each : done_) count += each == deed ? 1 : 0;
    return count;
  }

  // ---- NginxAdapter.
  Status Check(const std::vector<farm::Site>&) override { return Ok(); }
  Status Apply(const std::vector<farm::Site>& sites) override {
    const std::lock_guard lock(mutex_);
    std::string deed = "apply";
    for (const farm::Site& site : sites) {
      if (refused_.contains(site.name)) return InvalidArgument("no such directive");
      deed += " " + site.name + " " + std::to_string(site.version);
    }
    done_.push_back(deed);
    return Ok();
  }
  Status SetClosed(bool closed) override {
    const std::lock_guard lock(mutex_);
    done_.push_back(closed ? "closed" : "open");
    return Ok();
  }
  StatusOr<size_t> Purge(std::span<const farm::ContentKey> keys) override {
    const std::lock_guard lock(mutex_);
    if (purges_fail_) return Unavailable("the disk is gone");
    done_.push_back("purge " + std::to_string(keys.size()));
    return keys.size();
  }
  StatusOr<size_t> PurgeCache(std::span<const farm::ContentKey> keys) override {
    const std::lock_guard lock(mutex_);
    if (purges_fail_) return Unavailable("the disk is gone");
    done_.push_back("invalidate " + std::to_string(keys.size()));
    return keys.size();
  }
  StatusOr<size_t> PurgeCacheOf(const std::string& site) override {
    const std::lock_guard lock(mutex_);
    if (purges_fail_) return Unavailable("the disk is gone");
    done_.push_back("empty " + site);
    return 0;
  }
  std::vector<farm::AssetsChanged::Change> TakeChanges(size_t max) override {
    const std::lock_guard lock(mutex_);
    std::vector<farm::AssetsChanged::Change> taken;
    while (!changes_.empty() && taken.size() < max) {
      taken.push_back(changes_.front());
      changes_.erase(changes_.begin());
    }
    return taken;
  }
  void TellAll() override {
    const std::lock_guard lock(mutex_);
    changes_.clear();
    for (const auto& [key, asset] : held_) changes_.push_back({key, asset});
  }
  bool ScanComplete() const override {
    const std::lock_guard lock(mutex_);
    return scan_complete_;
  }
  std::optional<std::string> UriOf(const farm::ContentKey& key) const override {
    return "http://films.example/" + ToString(key);
  }
  std::optional<farm::Asset> Find(const farm::ContentKey& key) const override {
    const std::lock_guard lock(mutex_);
    const auto it = held_.find(key);
    return it == held_.end() ? std::nullopt : std::optional(it->second);
  }
  bool ServesLibrary(const std::string&) const override { return true; }
  LoadSample Sample() override { return {}; }
  HealthJudge::Verdict Judge() override { return {}; }
  Status PeerProbe(const Endpoint&) override { return Ok(); }
  void OnPeerProbe(const std::string&) override {}
  void Stop() override {}

 private:
  mutable std::mutex mutex_;
  std::set<std::string> refused_;
  bool purges_fail_ = false;
  bool scan_complete_ = true;
  std::map<farm::ContentKey, farm::Asset> held_;
  std::vector<farm::AssetsChanged::Change> changes_;
  std::vector<std::string> done_;
};

}  // namespace strata::engine::app
