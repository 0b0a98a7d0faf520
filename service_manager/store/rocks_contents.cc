#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/snapshot.h>

#include <memory>
#include <utility>

#include "service_manager/store/rocks_store.h"
#include "service_manager/store/slices.h"

// Reading contents in the order of their keys: locations lie in one family, URIs in another, and
// both are gone through side by side.

namespace strata::manager::store {
namespace {

// URIs of contents without a location that are passed one by one, before a jump over all of them.
constexpr int kPassedMax = 8;

// The URIs of contents that are asked for in their order.
class UriCursor {
 public:
  UriCursor(std::unique_ptr<rocksdb::Iterator> at, std::string_view first) : at_(std::move(at)) {
    at_->Seek(SliceOf(first));
  }

  // Valid until the next call. Empty: there is none; or it could not be read, as status() says.
  std::string_view Find(std::string_view key) {
    for (int passed = 0; IsBefore(key); ++passed) {
      if (passed < kPassedMax) {
        at_->Next();
      } else {
        at_->Seek(SliceOf(key));
      }
    }
    const bool found = at_->Valid() && TextOf(at_->key()) == key;
    return found ? TextOf(at_->value()) : std::string_view();
  }
  rocksdb::Status status() const { return at_->status(); }

 private:
  bool IsBefore(std::string_view key) const { return at_->Valid() && TextOf(at_->key()) < key; }

  const std::unique_ptr<rocksdb::Iterator> at_;
};

// The locations of one content after the other, in memory that is used again.
class Copies {
 public:
  bool BelongHere(std::string_view record_key) const {
    return count_ == 0 || record_key.starts_with(uri_key_);
  }
  // False: the record cannot be read.
  bool Add(std::string_view key, std::string_view value) {
    if (count_ == all_.size()) all_.emplace_back();
    if (!DecodeRecordInto(key, value, all_[count_])) return false;
    if (count_++ == 0) uri_key_ = key.substr(0, farm::ContentKey::kBytes);
    return true;
  }
  // Shows them to `visit` and forgets them; what `visit` says.
  bool Show(UriCursor& uris, absl::FunctionRef<bool(const ContentView&)> visit) {
    const size_t count = std::exchange(count_, 0);
    if (count == 0) return true;
    return visit(
        {.key = all_[0].key, .uri = uris.Find(uri_key_), .locations = {all_.data(), count}});
  }

 private:
  std::vector<StoredLocation> all_;
  size_t count_ = 0;
  std::string uri_key_;
};

}  // namespace

StatusOr<uint64_t> RocksStore::VisitContents(const farm::ContentKey& first,
                                             const farm::ContentKey& last,
                                             absl::FunctionRef<bool(const ContentView&)> visit) {
  rocksdb::ManagedSnapshot snapshot(database_.get());
  const uint64_t visited = applied_.load();
  // Beyond all records of the last content, which begin with its key.
  const std::string end_key = UriKey(last) + std::string(sizeof(uint32_t) + 1, '\xff');
  const rocksdb::Slice end(end_key);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.snapshot();
  options.iterate_upper_bound = &end;
  options.fill_cache = false;  // What is looked up again and again stays.
  const auto open = [&](Family family) {
    return std::unique_ptr<rocksdb::Iterator>(database_->NewIterator(options, families_[family]));
  };
  const std::string first_key = UriKey(first);
  UriCursor uris(open(kUris), first_key);
  const std::unique_ptr<rocksdb::Iterator> at = open(kLocations);
  Copies copies;
  bool goes_on = true;
  for (at->Seek(first_key); goes_on && at->Valid(); at->Next()) {
    if (!copies.BelongHere(TextOf(at->key()))) goes_on = copies.Show(uris, visit);
    if (goes_on && !copies.Add(TextOf(at->key()), TextOf(at->value()))) {
      return Unreadable("a location's record");
    }
  }
  // The last one is not known to be whole before the end was read without an error.
  if (goes_on && at->status().ok()) copies.Show(uris, visit);
  if (!at->status().ok()) return Failed(at->status());
  if (!uris.status().ok()) return Failed(uris.status());
  return visited;
}

StatusOr<std::vector<ChildPosition>> RocksStore::ChildPositions() {
  std::vector<ChildPosition> positions;
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator({}, families_[kFacts]));
  for (at->Seek(SliceOf(kFeedKey)); at->Valid() && TextOf(at->key()).starts_with(kFeedKey);
       at->Next()) {
    std::optional<ChildPosition> position =
        DecodeChildPosition(TextOf(at->key()), TextOf(at->value()));
    if (!position) return Unreadable("the position of a feed");
    positions.push_back(*std::move(position));
  }
  if (!at->status().ok()) return Failed(at->status());
  return positions;
}

}  // namespace strata::manager::store
