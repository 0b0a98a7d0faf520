#include "service_manager/uplink/observers.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace strata::manager::uplink {
namespace {

class Listener final : public DirectoryObserver {
 public:
  using Stored = std::vector<std::pair<uint64_t, uint64_t>>;

  void OnChange(const DirectoryChange&) override { ++changes; }
  void OnUri(const farm::ContentKey&, std::string_view) override { ++changes; }
  void OnHolder(directory::Holder) override { ++changes; }
  uint64_t Mark() override { return changes; }
  void OnStored(uint64_t mark, uint64_t batch) override { stored.emplace_back(mark, batch); }

  uint64_t changes = 0;
  Stored stored;
};

// A writer that says at once what its store has, to each who comes.
class ObserversTest : public ::testing::Test {
 protected:
  void Change() {
    if (observer_ != nullptr) observer_->OnChange({.key = {1, 1}, .holder = directory::Holder(1)});
  }
  void Store() { observer_->OnStored(observer_->Mark(), ++batch_); }

  DirectoryObserver* observer_ = nullptr;
  uint64_t batch_ = 10;
  Observers observers_{[this](DirectoryObserver* observer) {
    observer_ = observer;
    if (observer != nullptr) observer->OnStored(observer->Mark(), batch_);
  }};
  Observers::Observe first_slot_ = observers_.Slot();
  Observers::Observe second_slot_ = observers_.Slot();
  Listener first_, second_;
};

TEST_F(ObserversTest, EachHearsFromWhenItComesUntilItGoes) {
  first_slot_(&first_);
  Change();
  second_slot_(&second_);
  Change();
  first_slot_(nullptr);
  Change();
  EXPECT_EQ(first_.changes, 2U);
  EXPECT_EQ(second_.changes, 2U);
  second_slot_(nullptr);
  EXPECT_EQ(observer_, nullptr) << "nobody listens";
}

TEST_F(ObserversTest, EachHearsByItsOwnMarksWhatIsStored) {
  first_slot_(&first_);
  Change();
  second_slot_(&second_);
  Change();
  Store();
  EXPECT_EQ(first_.stored, (Listener::Stored{{0, 10}, {1, 10}, {2, 11}}));
  EXPECT_EQ(second_.stored, (Listener::Stored{{0, 10}, {1, 11}}));
  first_slot_(nullptr);
  second_slot_(nullptr);
}

TEST_F(ObserversTest, WhoComesWhileSomethingIsStoredHearsOfTheNextOnly) {
  first_slot_(&first_);
  Change();
  const uint64_t mark = observer_->Mark();
  Change();
  second_slot_(&second_);
  second_.stored.clear();
  // A mark that was given later is stored already: the store goes on from there.
  const uint64_t later = observer_->Mark();
  EXPECT_GT(later, mark);
  observer_->OnStored(later, 12);
  EXPECT_EQ(second_.stored, (Listener::Stored{{0, 12}}));
  first_slot_(nullptr);
  second_slot_(nullptr);
}

}  // namespace
}  // namespace strata::manager::uplink
