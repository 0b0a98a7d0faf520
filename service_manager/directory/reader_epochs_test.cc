#include "service_manager/directory/reader_epochs.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::manager::directory {
namespace {

TEST(ReaderEpochsTest, FreesAtOnceWhenNobodyReads) {
  ReaderEpochs epochs;
  const uint64_t retired = epochs.Retire();
  EXPECT_GT(epochs.Oldest(), retired);
}

TEST(ReaderEpochsTest, KeepsWhatAReaderMaySee) {
  ReaderEpochs epochs;
  ReaderEpochs::Place* place = epochs.Register();
  ASSERT_NE(place, nullptr);
  ReaderEpochs::Enter(*place, epochs.current());
  const uint64_t retired = epochs.Retire();
  EXPECT_LE(epochs.Oldest(), retired);
  ReaderEpochs::Leave(*place);
  EXPECT_GT(epochs.Oldest(), retired);
}

TEST(ReaderEpochsTest, LetsGoOfWhatWasRetiredBeforeAReaderRenewed) {
  ReaderEpochs epochs;
  ReaderEpochs::Place* place = epochs.Register();
  ReaderEpochs::Enter(*place, epochs.current());
  const uint64_t first = epochs.Retire();
  ReaderEpochs::Enter(*place, epochs.current());
  const uint64_t second = epochs.Retire();
  EXPECT_GT(epochs.Oldest(), first);
  EXPECT_LE(epochs.Oldest(), second);
}

TEST(ReaderEpochsTest, HasPlacesUpToItsLimitAndGivesThemAgain) {
  ReaderEpochs epochs;
  std::vector<ReaderEpochs::Place*> places;
  for (size_t i = 0; i < kReadersMax; ++i) places.push_back(epochs.Register());
  EXPECT_NE(places.back(), nullptr);
  EXPECT_EQ(epochs.Register(), nullptr);
  ReaderEpochs::Enter(*places[3], epochs.current());
  ReaderEpochs::Unregister(*places[3]);
  EXPECT_GT(epochs.Oldest(), epochs.Retire());
  EXPECT_EQ(epochs.Register(), places[3]);
}

}  // namespace
}  // namespace strata::manager::directory
