#include "service_engine/app/purge_positions.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace strata::engine::app {
namespace {

std::string PathOf(const std::string& name) {
  return std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
}

TEST(PurgePositionsTest, AreThereAgainAfterARestart) {
  const std::string path = PathOf("kept");
  {
    StatusOr<PurgePositions> positions = PurgePositions::Open(path);
    ASSERT_TRUE(positions.ok());
    EXPECT_EQ(positions->Of("films"), 0u);
    ASSERT_TRUE(positions->Set("films", 7).ok());
    ASSERT_TRUE(positions->Set("songs", 1).ok());
    ASSERT_TRUE(positions->Forget("songs").ok());
  }
  const StatusOr<PurgePositions> positions = PurgePositions::Open(path);
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(positions->Of("films"), 7u);
  EXPECT_EQ(positions->Of("songs"), 0u);
}

TEST(PurgePositionsTest, AFileThatIsNoneIsToldWithItsLine) {
  const std::string path = PathOf("broken");
  std::ofstream(path) << "films 7\nsongs seven\n";
  const StatusOr<PurgePositions> positions = PurgePositions::Open(path);
  ASSERT_FALSE(positions.ok());
  EXPECT_NE(MessageOf(positions.status()).find("broken:2"), std::string::npos);
}

}  // namespace
}  // namespace strata::engine::app
