#include "common/tls/manager_channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/tls/test_authority.h"

namespace strata::tls {
namespace {

class ManagerChannelTest : public testing::Test {
 protected:
  const std::string folder_ = testing::TempDir();
  TestAuthority authority_{folder_};
  const std::shared_ptr<TlsStore> store_ =
      *TlsStore::Open(authority_.Issue("strata://farm/engine/north-1"));
  // Nobody need be there: a channel connects with its first call.
  ManagerChannel channel_{"127.0.0.1:1", store_};
};

TEST_F(ManagerChannelTest, IsTheSameForManyCalls) {
  const std::shared_ptr<grpc::Channel> first = channel_.Get();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(channel_.Get(), first);
}

TEST_F(ManagerChannelTest, IsANewOneAfterADrop) {
  const std::shared_ptr<grpc::Channel> first = channel_.Get();
  channel_.Drop();
  EXPECT_NE(channel_.Get(), first);
}

TEST_F(ManagerChannelTest, IsANewOneWhenTheFilesAreReadAgain) {
  const std::shared_ptr<grpc::Channel> first = channel_.Get();
  ASSERT_TRUE(store_->Reload().ok());
  const std::shared_ptr<grpc::Channel> second = channel_.Get();
  EXPECT_NE(second, first);
  EXPECT_EQ(channel_.Get(), second);
}

TEST_F(ManagerChannelTest, OfSeveralManagersThoseThatAreLeftKeepTheirs) {
  ManagerChannelMap channels(store_);
  const std::shared_ptr<grpc::Channel> first = channels.To("127.0.0.1:1").Get();
  const std::shared_ptr<grpc::Channel> second = channels.To("127.0.0.1:2").Get();
  EXPECT_NE(first, second);
  channels.Keep({"127.0.0.1:2", "127.0.0.1:3"});
  EXPECT_EQ(channels.To("127.0.0.1:2").Get(), second);
  EXPECT_NE(channels.To("127.0.0.1:1").Get(), first);
}

}  // namespace
}  // namespace strata::tls
