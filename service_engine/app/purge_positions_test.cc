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
    positions->Set("films", 7);
    positions->Set("songs", 1);
    EXPECT_FALSE(positions->saved());
    ASSERT_TRUE(positions->Save().ok());
    EXPECT_TRUE(positions->saved());
    ASSERT_TRUE(positions->Forget("songs").ok());
  }
  const StatusOr<PurgePositions> positions = PurgePositions::Open(path);
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(positions->Of("films"), 7u);
  EXPECT_EQ(positions->Of("songs"), 0u);
}

TEST(PurgePositionsTest, WhatIsNotSavedIsPurgedAgain) {
  const std::string path = PathOf("behind");
  {
    StatusOr<PurgePositions> positions = PurgePositions::Open(path);
    ASSERT_TRUE(positions.ok());
    positions->Set("films", 7);
    ASSERT_TRUE(positions->Save().ok());
    positions->Set("films", 8);
    EXPECT_EQ(positions->Of("films"), 8u);
  }
  const StatusOr<PurgePositions> positions = PurgePositions::Open(path);
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(positions->Of("films"), 7u);
}

TEST(PurgePositionsTest, WhatCannotBeSavedIsTriedAgain) {
  StatusOr<PurgePositions> positions = PurgePositions::Open(PathOf("no folder") + "/positions");
  ASSERT_TRUE(positions.ok());
  positions->Set("films", 7);
  EXPECT_FALSE(positions->Save().ok());
  EXPECT_FALSE(positions->saved());
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
