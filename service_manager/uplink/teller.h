#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/federation/feed/range_digests.h"
#include "service_manager/federation/policy/policy_walk.h"
#include "service_manager/link/parent_link.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/holder_names.h"
#include "service_manager/uplink/inbox.h"
#include "service_manager/uplink/limits.h"
#include "service_manager/uplink/pending_changes.h"
#include "service_manager/uplink/told_contents.h"
#include "service_manager/uplink/uri_book.h"

namespace strata::manager::uplink {

// Projects what happens to contents by the policies that hold for them, and tells the link. All on
// the uplink's thread: so nothing is told between two things that it does, and what it reads is as
// of one moment. docs/protocols/federation.md, 2.
class Teller {
 public:
  struct Counts {
    uint64_t told = 0;
    uint64_t told_without_uri = 0;
    uint64_t refreshed = 0;
  };
  struct Options {
    directory::Holder own_scope;
    HolderNames::NameOf name_of;
    std::shared_ptr<const federation::ForwardingMatcher> policy;
    bool uris_come_later = false;  // New contents wait for theirs.
    UplinkLimits limits;
  };

  // Both outlive this.
  Teller(Options options, store::Store& store, Inbox& inbox);

  // Once, before anything else: what the parent is to know, as it was when the inbox began to
  // observe, and the store has it. What came since waits in the inbox. Unavailable: it is to stop.
  StatusOr<std::unique_ptr<federation::RangeDigests>> ReadAll();
  // From here on this link is told.
  void SetLink(link::ParentLink& link);

  void Tell(ChangeGroup group, Timestamp now);
  // Contents that have waited for their URI long enough.
  void TellDue(Timestamp now);
  Timestamp next_due() const { return uris_.next_due(); }

  void Replace(std::shared_ptr<const federation::ForwardingMatcher> policy);
  bool walks() const { return walk_.under_way(); }
  // One step of another policy.
  Status Walk();

  // For the link.
  Status Read(const federation::FeedRead& read, link::ParentLink::Found found);

  void OnHolder(directory::Holder holder);

  const Counts& counts() const { return counts_; }
  size_t waiting_for_uri() const { return uris_.waiting(); }
  size_t unnamed() const { return names_.unnamed(); }

 private:
  struct Item {
    farm::ContentKey key;
    ContentChange change;
    std::optional<Timestamp> waits_until;  // It has waited for its URI before.
  };
  struct Said {
    federation::FeedChange change;
    std::optional<directory::LocationFlags> before;
  };
  class Reading;

  void TellAll(std::vector<Item>& items, Timestamp now);
  bool NeedsUri(const Item& item) const;
  void FindUris(std::vector<Item>& items);
  void TellItem(Item& item, Timestamp now);
  bool LetWait(Item& item, Timestamp now);
  void NoteWithout(const farm::ContentKey& key, bool without);
  void Say(const Item& item, const federation::CopyChange& change, Timestamp now);
  federation::FeedCopy CopyToTell(const Item& item, const directory::Location& copy, Timestamp now);

  void Refresh(const federation::RangeSet& ranges);
  void Refresh(uint32_t range);
  // Tells what was said.
  void Flush();

  const Options options_;
  store::Store& store_;
  Inbox& inbox_;
  link::ParentLink* link_ = nullptr;
  federation::PolicyWalk walk_;
  std::shared_ptr<const federation::ForwardingMatcher> newest_;
  HolderNames names_;
  UriBook uris_;
  std::vector<Said> said_;         // Views of what the caller of Flush holds,
  std::deque<std::string> texts_;  // and of these.
  Counts counts_;
};

}  // namespace strata::manager::uplink
