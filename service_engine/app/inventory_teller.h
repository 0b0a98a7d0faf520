#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "farm/member/farm_member.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"

namespace strata::engine::app {

// Tells the farm what the engine holds, as it changes, on a thread of its own: the whole inventory
// after each registration and each return into the group, then the changes. Keeps a few messages on
// their way.
class InventoryTeller {
 public:
  // `registration`: told only once the farm's table has it. Member and adapter must outlive it.
  InventoryTeller(farm::FarmMember& member, NginxAdapter& adapter, farm::EngineId self,
                  uint64_t registration);
  ~InventoryTeller();

  // ---- Any thread.
  void OnChanges();  // The adapter has some.
  void TellAll();    // The farm may have missed something.

  // Canonical URIs of contents that were told as new, at most `max`; each once.
  std::vector<std::string> TakeUris(size_t max);

 private:
  // A message that failed makes it tell all again.
  struct Flight {
    absl::Mutex mutex;
    size_t open ABSL_GUARDED_BY(mutex) = 0;
    bool failed ABSL_GUARDED_BY(mutex) = false;
  };

  void Loop();
  bool Registered() const;
  bool Send(const farm::Message& message);
  // What the adapter has now; false if something could not be sent.
  bool TellChanges();
  void NoteUris(const std::vector<farm::AssetsChanged::Change>& changes);

  farm::FarmMember& member_;
  NginxAdapter& adapter_;
  const farm::EngineId self_;
  const uint64_t registration_;
  const std::shared_ptr<Flight> flight_ = std::make_shared<Flight>();

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool changes_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::string> uris_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata::engine::app
