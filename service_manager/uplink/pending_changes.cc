#include "service_manager/uplink/pending_changes.h"

#include <algorithm>

#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::uplink {
namespace {

using directory::Holder;
using directory::Location;
using directory::LocationFlags;

// Gives the copy at `holder` these flags, or takes it out.
void Set(Copies& copies, Holder holder, std::optional<LocationFlags> flags) {
  const auto found = std::find_if(copies.begin(), copies.end(),
                                  [holder](const Location& copy) { return copy.holder == holder; });
  if (found != copies.end() && flags) {
    found->flags = *flags;
  } else if (found != copies.end()) {
    copies.erase(found);
  } else if (flags) {
    copies.push_back({holder, *flags});
  }
}

size_t PiecesOf(const ContentChange& change) {
  return 1 + change.before.size() + change.touched.size();
}

}  // namespace

Copies ContentChange::After() const {
  Copies copies = before;
  for (const TouchedCopy& copy : touched) Set(copies, copy.holder, copy.after);
  return copies;
}

bool ContentChange::IsTouchedThere() const {
  return std::any_of(touched.begin(), touched.end(),
                     [](const TouchedCopy& copy) { return copy.after.has_value(); });
}

TouchedCopy* ContentChange::Find(Holder holder) {
  for (TouchedCopy& copy : touched) {
    if (copy.holder == holder) return &copy;
  }
  return nullptr;
}

void ContentChange::Add(ContentChange&& next) {
  for (TouchedCopy& copy : next.touched) {
    if (TouchedCopy* const found = Find(copy.holder)) {
      const std::optional<LocationFlags> first = found->before;
      *found = std::move(copy);
      found->before = first;
    } else {
      touched.push_back(std::move(copy));
    }
  }
  if (!next.uri.empty()) uri = std::move(next.uri);
}

bool PendingChanges::HasRoom(const farm::ContentKey& key, size_t pieces) {
  if (pieces_ + pieces <= pieces_max_) return true;
  open_.forgotten.Insert(federation::RangeOf(key));
  return false;
}

ContentChange* PendingChanges::Open(const farm::ContentKey& key, CopiesNow copies_now) {
  ++changes_;
  const auto found = open_.contents.find(key);
  if (found != open_.contents.end()) return &found->second;
  ContentChange change{.before = copies_now(), .touched = {}, .uri = {}};
  if (!HasRoom(key, PiecesOf(change))) return nullptr;
  pieces_ += PiecesOf(change);
  return &open_.contents.emplace(key, std::move(change)).first->second;
}

void PendingChanges::OnChange(const DirectoryChange& change, std::string_view kept_uri,
                              CopiesNow copies_now, Timestamp now) {
  const auto copies_before = [&] {
    Copies copies = copies_now();
    Set(copies, change.holder, change.before);
    return copies;
  };
  ContentChange* const content = Open(change.key, copies_before);
  if (content == nullptr) return;
  TouchedCopy* copy = content->Find(change.holder);
  if (copy == nullptr) {
    if (!HasRoom(change.key, 1)) return;
    ++pieces_;
    copy = &content->touched.emplace_back();
    copy->holder = change.holder;
    copy->before = change.before;
  }
  copy->after.reset();
  copy->at = now;
  if (change.copy) {
    copy->after = change.copy->flags;
    copy->size_bytes = change.copy->size_bytes;
    copy->remaining = change.copy->remaining;
    copy->validator = change.copy->validator;
  }
  const std::string_view uri = change.uri.empty() ? kept_uri : change.uri;
  if (!uri.empty()) content->uri = uri;
}

void PendingChanges::OnUri(const farm::ContentKey& key, std::string_view uri,
                           CopiesNow copies_now) {
  if (ContentChange* const content = Open(key, copies_now)) content->uri = uri;
}

uint64_t PendingChanges::Mark() {
  if (open_.empty()) return changes_;
  open_.mark = changes_;
  if (groups_.size() < groups_max_) {
    groups_.push_back(std::exchange(open_, {}));
  } else {
    Join(groups_.back(), std::exchange(open_, {}));
  }
  open_.begins = changes_;
  return changes_;
}

void PendingChanges::Join(Group& older, Group&& younger) {
  older.mark = younger.mark;
  older.batch = younger.batch;
  for (auto& [key, change] : younger.contents) {
    pieces_ -= PiecesOf(change);
    const auto found = older.contents.find(key);
    if (found == older.contents.end()) {
      pieces_ += PiecesOf(change);
      older.contents.emplace(key, std::move(change));
      continue;
    }
    pieces_ -= PiecesOf(found->second);
    found->second.Add(std::move(change));
    pieces_ += PiecesOf(found->second);
  }
  for (std::optional<uint32_t> range = younger.forgotten.NextFrom(0); range;
       range = younger.forgotten.NextFrom(0)) {
    older.forgotten.Insert(*range);
    younger.forgotten.Erase(*range);
  }
}

void PendingChanges::OnStored(uint64_t mark, uint64_t batch) {
  for (Group& group : groups_) {
    if (group.mark <= mark && !group.batch) group.batch = batch;
  }
}

bool PendingChanges::HasDurable(uint64_t synced) const {
  return !groups_.empty() && groups_.front().batch && *groups_.front().batch <= synced;
}

std::optional<ChangeGroup> PendingChanges::Take(uint64_t synced) {
  if (!HasDurable(synced)) return std::nullopt;
  Group& first = groups_.front();
  ChangeGroup taken;
  taken.forgotten = first.forgotten;
  taken.contents.reserve(first.contents.size());
  for (auto& [key, change] : first.contents) {
    pieces_ -= PiecesOf(change);
    taken.contents.emplace_back(key, std::move(change));
  }
  groups_.pop_front();
  std::sort(taken.contents.begin(), taken.contents.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return taken;
}

bool PendingChanges::HasTaken(uint64_t mark) const {
  return mark <= (groups_.empty() ? open_ : groups_.front()).begins;
}

const ContentChange* PendingChanges::FindFirst(const farm::ContentKey& key) const {
  for (const Group& group : groups_) {
    const auto found = group.contents.find(key);
    if (found != group.contents.end()) return &found->second;
  }
  const auto found = open_.contents.find(key);
  return found == open_.contents.end() ? nullptr : &found->second;
}

void PendingChanges::VisitFirsts(
    const farm::ContentKey& first, const farm::ContentKey& last,
    absl::FunctionRef<void(const farm::ContentKey&, const ContentChange&)> visit) const {
  std::vector<farm::ContentKey> keys;
  const auto gather = [&](const Group& group) {
    for (const auto& [key, _] : group.contents) {
      if (first <= key && key <= last) keys.push_back(key);
    }
  };
  for (const Group& group : groups_) gather(group);
  gather(open_);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const farm::ContentKey& key : keys) visit(key, *FindFirst(key));
}

std::string_view PendingChanges::FindUri(const farm::ContentKey& key) const {
  const auto look = [&key](const Group& group) {
    const auto found = group.contents.find(key);
    return found == group.contents.end() ? std::string_view() : found->second.uri;
  };
  for (const Group& group : groups_) {
    if (const std::string_view uri = look(group); !uri.empty()) return uri;
  }
  return look(open_);
}

size_t PendingChanges::contents() const {
  size_t contents = open_.contents.size();
  for (const Group& group : groups_) contents += group.contents.size();
  return contents;
}

bool PendingChanges::has_forgotten() const {
  const auto has = [](const Group& group) { return !group.forgotten.empty(); };
  return has(open_) || std::any_of(groups_.begin(), groups_.end(), has);
}

bool PendingChanges::HasForgotten(uint32_t range) const {
  const auto has = [range](const Group& group) { return group.forgotten.Contains(range); };
  return has(open_) || std::any_of(groups_.begin(), groups_.end(), has);
}

}  // namespace strata::manager::uplink
