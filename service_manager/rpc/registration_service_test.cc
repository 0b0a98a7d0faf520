#include "service_manager/rpc/registration_service.h"

#include <gtest/gtest.h>

#include "common/version.h"

namespace strata::manager::rpc {
namespace {

TEST(RegistrationServiceTest, AnEngineOfThisProtocolFits) {
  EXPECT_TRUE(CheckProtocol("north-1", "0.1.0", kRegistrationProtocol).ok());
}

TEST(RegistrationServiceTest, TheOlderSideIsToBeUpgraded) {
  const Status old = CheckProtocol("north-1", "0.0.1", kRegistrationProtocol - 1);
  EXPECT_EQ(old.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(old).find("north-1 (version 0.0.1)"), std::string::npos);
  EXPECT_NE(MessageOf(old).find(kVersion), std::string::npos);
  EXPECT_TRUE(MessageOf(old).ends_with("upgrade the engine"));
  const Status young = CheckProtocol("north-1", "9.0.0", kRegistrationProtocol + 1);
  EXPECT_EQ(young.code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(MessageOf(young).ends_with("upgrade the manager"));
}

}  // namespace
}  // namespace strata::manager::rpc
