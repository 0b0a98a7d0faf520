#pragma once

#include <optional>

#include "common/status.h"
#include "service_manager/directory/location_index.h"

namespace strata::manager::directory {

// One thread's way of reading a LocationIndex; belongs to that thread, ends before the index.
class LocationReader {
 public:
  // ResourceExhausted when kReadersMax readers are there.
  static StatusOr<LocationReader> Register(LocationIndex& index);
  ~LocationReader();
  LocationReader(LocationReader&& other) noexcept
      : index_(other.index_), place_(std::exchange(other.place_, nullptr)) {}
  LocationReader& operator=(LocationReader&&) = delete;

  // A few reads in a row: a turn of an event loop, a request. Memory that the writer took out of
  // the index is kept from the last read of a session to its end, so a thread that waits for
  // something ends its session first. Entering and leaving costs about 10 ns, a memory barrier.
  //
  // One at a time for each reader.
  class Session {
   public:
    explicit Session(LocationReader& reader) : reader_(reader) { Enter(); }
    ~Session() { ReaderEpochs::Leave(*reader_.place_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // How many locations the content has; the first of them, in no order, in `out`, as many as fit.
    size_t Find(const farm::ContentKey& key, std::span<Location> out) {
      Renew();
      return reader_.index_.Read(key, out);
    }
    // A hint that Find will soon be called for this key: a turn with several requests gives it for
    // each of them first, and then does not wait for memory one after the other.
    void Prefetch(const farm::ContentKey& key) { reader_.index_.Prefetch(key); }
    bool Contains(const farm::ContentKey& key) { return Find(key, {}) > 0; }

    // Calls `visit` for every content of a range, or of a part, in the order of the keys, with its
    // locations in the order of their holders. What changes meanwhile is seen, or not. Copies what
    // it visits first; to read a range costs as much as to read its part.
    void VisitRange(uint32_t range, LocationIndex::Visitor visit) {
      Renew();
      reader_.index_.ReadRanges(range, 1, visit);
    }
    void VisitPart(uint32_t part, LocationIndex::Visitor visit) {
      Renew();
      reader_.index_.ReadRanges(part * kRangesPerPart, kRangesPerPart, visit);
    }

   private:
    void Enter() {
      epoch_ = reader_.index_.epochs_.current();
      ReaderEpochs::Enter(*reader_.place_, epoch_);
    }
    // Between two reads a session holds nothing: it may let go of what was retired before.
    void Renew() {
      if (reader_.index_.epochs_.current() != epoch_) Enter();
    }

    LocationReader& reader_;
    uint64_t epoch_ = 0;
  };

 private:
  LocationReader(LocationIndex& index, ReaderEpochs::Place& place)
      : index_(index), place_(&place) {}

  LocationIndex& index_;
  ReaderEpochs::Place* place_;  // Null after a move.
};

}  // namespace strata::manager::directory
