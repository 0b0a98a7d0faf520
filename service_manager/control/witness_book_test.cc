#include "service_manager/control/witness_book.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

using std::chrono::seconds;

const Bytes kFirst(16, 1);
const Bytes kSecond(16, 2);
const Timestamp kNow = Timestamp::FromNanos(1'000'000'000'000);

class WitnessBookTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    book_.reset();
    store_.reset();
    store::RocksStore::Options options;
    options.folder =
        testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    auto store = store::RocksStore::Open(std::move(options));
    ASSERT_TRUE(store.ok()) << ToString(store.status());
    store_ = *std::move(store);
    book_ = std::make_unique<WitnessBook>(*store_);
  }

  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<WitnessBook> book_;
};

TEST_F(WitnessBookTest, EachKeepsItsId) {
  EXPECT_EQ(*book_->Attend("w-1", kFirst, kNow), kWitnessIdFirst);
  EXPECT_EQ(*book_->Attend("w-2", kFirst, kNow), kWitnessIdFirst + 1);
  Open();
  EXPECT_EQ(*book_->Attend("w-2", kSecond, kNow), kWitnessIdFirst + 1);
  EXPECT_EQ(*book_->Attend("w-1", kSecond, kNow), kWitnessIdFirst);
}

TEST_F(WitnessBookTest, ATwinOfOneThatIsAliveIsRefused) {
  ASSERT_TRUE(book_->Attend("w-1", kFirst, kNow).ok());
  const StatusOr<uint32_t> twin = book_->Attend("w-1", kSecond, kNow + seconds(1));
  EXPECT_EQ(twin.status().code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(book_->Attend("w-1", kFirst, kNow + seconds(4)).ok());
  EXPECT_FALSE(book_->Attend("w-1", kSecond, kNow + seconds(8)).ok());
  EXPECT_TRUE(book_->Attend("w-1", kSecond, kNow + seconds(9)).ok()) << "the first is dead";
}

TEST_F(WitnessBookTest, WhoIsNotKnownIsNotFoundAndNotEnrolled) {
  EXPECT_EQ(book_->Find("w-1").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(book_->Attend("w-2", kFirst, kNow).ok());
  EXPECT_EQ(book_->Find("w-2").value(), kWitnessIdFirst);
  EXPECT_EQ(book_->Find("w-1").status().code(), StatusCode::kNotFound);
}

TEST_F(WitnessBookTest, HasALimit) {
  for (uint32_t i = 0; i < kWitnessesMax; ++i) {
    ASSERT_TRUE(book_->Attend("w-" + std::to_string(i), kFirst, kNow).ok());
  }
  EXPECT_EQ(book_->Attend("another", kFirst, kNow).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(book_->Attend("w-1", {}, kNow).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace strata::manager::control
