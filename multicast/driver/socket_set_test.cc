#include "multicast/driver/socket_set.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/limits.h"
#include "multicast/driver/private_network.h"

namespace strata::multicast {
namespace {

const bool kPrivateNetwork = EnterPrivateNetwork();

struct Family {
  const char* name;
  const char* group;
  const char* address;
};

std::ostream& operator<<(std::ostream& out, const Family& family) { return out << family.name; }

// Tests that run at once on one machine must not hear each other.
uint16_t TestPort() {
  static int next = 0;
  return static_cast<uint16_t>(20000 + (getpid() * 16 + next++ * 2) % 40000);
}

struct Member {
  DriverCounters counters;
  std::unique_ptr<SocketSet> sockets;
  uint64_t operator[](DriverCounter c) const { return counters[c]; }
};

class SocketSetTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (!kPrivateNetwork && Settings().group.IsV6()) GTEST_SKIP() << "needs a network namespace";
  }
  SocketSettings Settings() const {
    SocketSettings settings;
    settings.interface = "lo";
    settings.group = *IpAddress::Parse(GetParam().group);
    settings.address = *IpAddress::Parse(GetParam().address);
    settings.port = port_;
    settings.loopback = true;
    return settings;
  }
  std::unique_ptr<Member> Open(const SocketSettings& settings) {
    auto member = std::make_unique<Member>();
    auto sockets = SocketSet::Open(settings, member->counters);
    EXPECT_TRUE(sockets.ok()) << MessageOf(sockets.status());
    if (sockets.ok()) member->sockets = *std::move(sockets);
    return member;
  }
  std::unique_ptr<Member> Open() { return Open(Settings()); }

  const uint16_t port_ = TestPort();
};

// Waits until `want` datagrams came, or none comes any more.
std::vector<std::string> ReceiveAll(Member& member, Channel channel, size_t want) {
  std::vector<std::string> texts;
  pollfd wait = {.fd = member.sockets->fd(channel), .events = POLLIN, .revents = 0};
  while (texts.size() < want && poll(&wait, 1, 5000) > 0) {
    for (const IncomingDatagram& d : member.sockets->Receive(channel).datagrams) {
      texts.emplace_back(AsText(d.bytes));
    }
  }
  return texts;
}

std::vector<std::string> Numbered(size_t count, size_t size) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    std::string text = std::to_string(i) + ":";
    text.resize(size, 'x');
    texts.push_back(text);
  }
  return texts;
}

TEST_P(SocketSetTest, DeliversToTheSocketOfTheChannel) {
  auto a = Open();
  auto b = Open();
  a->sockets->SendToGroup(AsBytes("data"));
  a->sockets->SendToAcks(AsBytes("ack"));
  a->sockets->SendTo(b->sockets->unicast(), AsBytes("unicast"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 1), std::vector<std::string>{"data"});
  EXPECT_EQ(ReceiveAll(*b, Channel::kAcks, 1), std::vector<std::string>{"ack"});
  EXPECT_EQ(ReceiveAll(*b, Channel::kUnicast, 1), std::vector<std::string>{"unicast"});
  EXPECT_EQ((*a)[DriverCounter::kSendCalls], 1u);
  EXPECT_EQ((*a)[DriverCounter::kSent], 3u);
}

TEST_P(SocketSetTest, TellsTheSendersUnicastEndpoint) {
  auto a = Open();
  auto b = Open();
  a->sockets->SendToGroup(AsBytes("who"));
  a->sockets->Flush();
  pollfd wait = {.fd = b->sockets->fd(Channel::kData), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&wait, 1, 5000), 1);
  auto result = b->sockets->Receive(Channel::kData);
  ASSERT_EQ(result.datagrams.size(), 1u);
  EXPECT_EQ(result.datagrams[0].from, a->sockets->unicast());
  EXPECT_TRUE(result.drained);
}

TEST_P(SocketSetTest, SendsEqualDatagramsAsOneTrainAndTakesItApart) {
  auto a = Open();
  auto b = Open();
  std::vector<std::string> texts = Numbered(9, 1200);
  texts.push_back("shorter");
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 10), texts);
  EXPECT_EQ((*a)[DriverCounter::kSendCalls], 1u);
  EXPECT_EQ((*a)[DriverCounter::kSentSegmented], 10u);
  EXPECT_EQ((*b)[DriverCounter::kReceived], 10u);
  EXPECT_EQ((*b)[DriverCounter::kReceivedCoalesced], 10u);
  EXPECT_EQ((*b)[DriverCounter::kReceiveCalls], 1u);
}

TEST_P(SocketSetTest, ReceivesATrainOneByOneWithoutCoalescing) {
  auto a = Open();
  SocketSettings plain = Settings();
  plain.coalescing = false;
  auto b = Open(plain);
  std::vector<std::string> texts = Numbered(10, 1000);
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 10), texts);
  EXPECT_EQ((*b)[DriverCounter::kReceivedCoalesced], 0u);
}

TEST_P(SocketSetTest, EndsATrainWhereLengthOrDestinationChange) {
  auto a = Open();
  auto b = Open();
  std::vector<std::string> texts;
  for (size_t size : {100, 100, 50, 100, 200, 200, 7, 7}) {
    texts.push_back(std::to_string(texts.size()) + std::string(size - 1, '.'));
  }
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->SendTo(b->sockets->unicast(), AsBytes("1234567"));
  a->sockets->SendToGroup(AsBytes("7654321"));
  a->sockets->Flush();
  texts.push_back("7654321");
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, texts.size()), texts);
  EXPECT_EQ(ReceiveAll(*b, Channel::kUnicast, 1).size(), 1u);
  EXPECT_EQ((*a)[DriverCounter::kSent], 10u);
}

TEST_P(SocketSetTest, SplitsLongRunsAtTheLimitsOfATrain) {
  auto a = Open();
  auto b = Open();
  std::vector<std::string> texts = Numbered(200, 1400);
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 200), texts);
  EXPECT_EQ((*a)[DriverCounter::kSendCalls], 1u);
  EXPECT_EQ((*a)[DriverCounter::kSegmentationRefused], 0u);
}

TEST_P(SocketSetTest, FlushesByItselfWhenTheQueueIsFull) {
  auto a = Open();
  auto b = Open();
  std::vector<std::string> texts = Numbered(kSendQueueDatagrams + 1, 64);
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, kSendQueueDatagrams).size(), kSendQueueDatagrams);
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 1), std::vector<std::string>{texts.back()});
}

TEST_P(SocketSetTest, SendsOneByOneOnceTrainsAreRefused) {
  if (Settings().group.IsV6()) GTEST_SKIP() << "the refusal is provoked by an IPv4 option";
  auto a = Open();
  auto b = Open();
  int on = 1;  // Without checksums the kernel refuses to segment.
  int fd = a->sockets->fd(Channel::kUnicast);
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
  std::vector<std::string> texts = Numbered(100, 500);
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 100), texts);
  EXPECT_GE((*a)[DriverCounter::kSegmentationRefused], 1u);
  EXPECT_FALSE(a->sockets->segmentation());
  uint64_t refused = (*a)[DriverCounter::kSegmentationRefused];
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 100), texts);
  EXPECT_EQ((*a)[DriverCounter::kSegmentationRefused], refused);
}

TEST_P(SocketSetTest, CountsWhatIsTooLongAndSendsTheRest) {
  auto a = Open();
  auto b = Open();
  std::string huge(65536, 'h');
  a->sockets->SendToGroup(AsBytes("before"));
  a->sockets->SendToGroup(AsBytes(huge));
  a->sockets->SendToGroup(AsBytes("after"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 2), (std::vector<std::string>{"before", "after"}));
  EXPECT_EQ((*a)[DriverCounter::kSendsTooBig], 1u);
}

TEST_P(SocketSetTest, CountsWhatTheKernelDropped) {
  auto a = Open();
  SocketSettings small = Settings();
  small.receive_buffer_bytes = 4096;
  small.coalescing = false;
  auto b = Open(small);
  std::vector<std::string> texts = Numbered(200, 1000);
  for (const std::string& t : texts) a->sockets->SendToGroup(AsBytes(t));
  a->sockets->Flush();
  size_t got = 0;
  while (size_t n = b->sockets->Receive(Channel::kData).datagrams.size()) got += n;
  EXPECT_LT(got, 200u);
  // The count comes with the next datagram.
  a->sockets->SendToGroup(AsBytes("next"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 1).size(), 1u);
  EXPECT_EQ((*b)[DriverCounter::kDroppedData], 200 - got);
  EXPECT_EQ((*b)[DriverCounter::kDroppedAcks], 0u);
}

TEST_P(SocketSetTest, AnEmptySocketIsDrainedAndCounted) {
  auto a = Open();
  auto result = a->sockets->Receive(Channel::kUnicast);
  EXPECT_TRUE(result.drained);
  EXPECT_TRUE(result.datagrams.empty());
  EXPECT_EQ((*a)[DriverCounter::kReceivesEmpty], 1u);
}

TEST_P(SocketSetTest, HearsTheGroupAfterRenewingItsMembership) {
  auto a = Open();
  auto b = Open();
  ASSERT_TRUE(b->sockets->RenewMembership().ok());
  EXPECT_EQ((*b)[DriverCounter::kRejoins], 1u);
  a->sockets->SendToGroup(AsBytes("again"));
  b->sockets->SendToGroup(AsBytes("mine"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 1), std::vector<std::string>{"again"});
  b->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*a, Channel::kData, 2).back(), "mine");
}

TEST_P(SocketSetTest, RenewsItsMembershipWhenTheInterfaceComesUp) {
  if (!kPrivateNetwork) GTEST_SKIP() << "takes down lo";
  if (Settings().group.IsV6()) GTEST_SKIP() << "lo forgets ::1 for a moment";
  auto a = Open();
  auto b = Open();
  ASSERT_TRUE(SetLoopbackUp(false));
  b->sockets->OnLinkEvent();
  EXPECT_FALSE(b->sockets->interface().up);
  EXPECT_EQ((*b)[DriverCounter::kLinkUps], 0u);
  ASSERT_TRUE(SetLoopbackUp(true));
  pollfd wait = {.fd = b->sockets->link_fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&wait, 1, 5000), 1);
  b->sockets->OnLinkEvent();
  EXPECT_TRUE(b->sockets->interface().up);
  EXPECT_EQ((*b)[DriverCounter::kLinkUps], 1u);
  EXPECT_EQ((*b)[DriverCounter::kRejoins], 1u);
  a->sockets->SendToGroup(AsBytes("back"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*b, Channel::kData, 1), std::vector<std::string>{"back"});
}

TEST_P(SocketSetTest, DoesNotHearAnotherGroupOnItsPort) {
  SocketSettings other = Settings();
  std::array<uint8_t, 16> bytes{};
  std::copy(other.group.bytes().begin(), other.group.bytes().end(), bytes.begin());
  bytes[other.group.bytes().size() - 1] ^= 1;
  other.group = other.group.IsV4() ? IpAddress::V4(bytes[0], bytes[1], bytes[2], bytes[3])
                                   : IpAddress::V6(bytes);
  auto a = Open(other);
  auto b = Open();
  a->sockets->SendToGroup(AsBytes("not for b"));
  a->sockets->Flush();
  EXPECT_EQ(ReceiveAll(*a, Channel::kData, 1).size(), 1u);  // Its own.
  EXPECT_TRUE(b->sockets->Receive(Channel::kData).datagrams.empty());
}

TEST_P(SocketSetTest, RefusesWhatCannotBeAGroup) {
  DriverCounters counters;
  SocketSettings bad = Settings();
  bad.group = bad.address;
  EXPECT_EQ(SocketSet::Open(bad, counters).status().code(), StatusCode::kInvalidArgument);
  bad = Settings();
  bad.port = 65535;
  EXPECT_EQ(SocketSet::Open(bad, counters).status().code(), StatusCode::kInvalidArgument);
  bad = Settings();
  bad.interface = "nosuch0";
  EXPECT_EQ(SocketSet::Open(bad, counters).status().code(), StatusCode::kNotFound);
  bad = Settings();
  bad.ttl = 256;
  EXPECT_EQ(SocketSet::Open(bad, counters).status().code(), StatusCode::kInvalidArgument);
}

TEST_P(SocketSetTest, FindsAnOwnAddressIfNoneIsConfigured) {
  SocketSettings any = Settings();
  any.address = IpAddress();
  auto a = Open(any);
  EXPECT_EQ(a->sockets->unicast().ip, Settings().address);
  EXPECT_NE(a->sockets->unicast().port, 0);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SocketSetTest,
                         testing::Values(Family{"IPv4", "239.7.7.2", "127.0.0.1"},
                                         Family{"IPv6", "ff15::7:2", "::1"}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::multicast
