#include "service_manager/rpc/copy_exchange.h"

#include <gtest/gtest.h>

#include <string>

#include "farm/content_identity.h"

namespace strata::manager::rpc {
namespace {

constexpr char kUri[] = "http://films.example/a.mp4";

std::string BytesOf(const farm::ContentKey& key) {
  std::string bytes(farm::ContentKey::kBytes, '\0');
  ByteWriter out({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  farm::Encode(key, out);
  return bytes;
}

v1::ExchangeCopiesRequest OnePrepared() {
  v1::ExchangeCopiesRequest request;
  v1::PreparedCopy& copy = *request.add_prepared();
  copy.set_key(BytesOf(farm::KeyOf(kUri)));
  copy.set_uri(kUri);
  copy.set_size(7);
  copy.set_sha256(std::string(32, 's'));
  copy.set_purge_position(3);
  return request;
}

TEST(CopyExchangeTest, ReadsWhatADrainedEngineSays) {
  const auto prepared = PreparedOf(OnePrepared());
  ASSERT_TRUE(prepared.ok()) << prepared.status().ToString();
  ASSERT_EQ(prepared->size(), 1u);
  EXPECT_EQ(prepared->front().key, farm::KeyOf(kUri));
  EXPECT_EQ(prepared->front().original.uri, kUri);
  EXPECT_EQ(prepared->front().original.size, 7u);
  EXPECT_EQ(prepared->front().original.sha256[31], 's');
  EXPECT_EQ(prepared->front().original.purge_position, 3u);
}

TEST(CopyExchangeTest, AProblemNeedsNothingElseAndIsCutShort) {
  v1::ExchangeCopiesRequest request;
  v1::PreparedCopy& copy = *request.add_prepared();
  copy.set_key(BytesOf(farm::KeyOf(kUri)));
  copy.set_problem(std::string(10'000, 'x'));
  const auto prepared = PreparedOf(request);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->front().problem.size(), kCopyProblemBytesMax);
}

TEST(CopyExchangeTest, RefusesAUriThatIsNotOfItsKey) {
  v1::ExchangeCopiesRequest request = OnePrepared();
  request.mutable_prepared(0)->set_uri("http://films.example/b.mp4");
  EXPECT_EQ(PreparedOf(request).status().code(), StatusCode::kInvalidArgument);
}

TEST(CopyExchangeTest, RefusesSumsAndKeysOfAnotherLength) {
  v1::ExchangeCopiesRequest request = OnePrepared();
  request.mutable_prepared(0)->set_sha256("short");
  EXPECT_EQ(PreparedOf(request).status().code(), StatusCode::kInvalidArgument);
  request = OnePrepared();
  request.mutable_prepared(0)->set_key("short");
  EXPECT_EQ(PreparedOf(request).status().code(), StatusCode::kInvalidArgument);
  request.add_done()->set_key("short");
  EXPECT_EQ(CopiedOf(request).status().code(), StatusCode::kInvalidArgument);
}

TEST(CopyExchangeTest, RefusesTooMuchAtOnce) {
  v1::ExchangeCopiesRequest request;
  for (int i = 0; i <= kCopyAnswersMax; ++i) {
    request.add_done()->set_key(BytesOf(farm::KeyOf(kUri)));
    *request.add_prepared() = OnePrepared().prepared(0);
  }
  EXPECT_EQ(CopiedOf(request).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PreparedOf(request).status().code(), StatusCode::kInvalidArgument);
}

TEST(CopyExchangeTest, TellsWorkAndHowFarADrainIs) {
  control::DrainDesk::Work work;
  work.prepare = {farm::KeyOf(kUri)};
  control::DrainPlan::Order order;
  order.key = farm::KeyOf(kUri);
  order.source = farm::EngineId(101);
  order.original.uri = kUri;
  order.original.size = 7;
  work.copies = {order};
  v1::ExchangeCopiesReply reply;
  PutWork(work, &reply);
  EXPECT_EQ(reply.prepare(0), BytesOf(farm::KeyOf(kUri)));
  EXPECT_EQ(reply.copies(0).source(), 101u);
  EXPECT_EQ(reply.copies(0).uri(), kUri);
  EXPECT_EQ(reply.copies(0).sha256().size(), 32u);

  v1::Drain drain;
  PutDrain(std::nullopt, &drain);
  EXPECT_FALSE(drain.known());
  control::DrainDesk::Report report;
  report.progress.contents_left = 2;
  report.progress.problems.push_back({farm::KeyOf(kUri), kUri, "no room"});
  PutDrain(report, &drain);
  EXPECT_TRUE(drain.known());
  EXPECT_FALSE(drain.safe());
  EXPECT_EQ(drain.contents_left(), 2u);
  EXPECT_EQ(drain.problems(0).text(), "no room");
}

}  // namespace
}  // namespace strata::manager::rpc
