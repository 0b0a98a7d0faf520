#include "cli/fake_location.h"

#include <cstdint>
#include <string>

namespace strata::cli {
namespace {

namespace locate_api = strata::manager::locate::v1;

constexpr uint64_t kMebi = 1 << 20;

void AddHop(locate_api::TraceReply& reply, const std::string& scope, uint32_t depth,
            uint32_t copies, uint64_t took_us, uint64_t round_trip_us) {
  locate_api::Hop& hop = *reply.add_hops();
  hop.set_scope(scope);
  hop.set_depth(depth);
  hop.set_copies(copies);
  hop.set_took_us(took_us);
  hop.set_round_trip_us(round_trip_us);
}

// The farm asks the CDN above, which asks two data centers and the exchange.
locate_api::TraceReply NewTrace() {
  locate_api::TraceReply reply;
  reply.set_scope("cdn-one/lan-a");
  reply.set_site("films");
  reply.set_key("00112233445566778899aabbccddeeff");
  locate_api::Copy& engine = *reply.add_copies();
  engine.set_scope("cdn-one/dc-two/lan-b");
  engine.set_engine("e1");
  engine.add_clients("192.0.2.1:80");
  engine.add_clients("[2001:db8::1]:80");
  engine.set_complete(true);
  engine.set_size(700 * kMebi);
  reply.add_copies()->set_scope("cdn-one/dc-one");
  locate_api::Copy& stale = *reply.add_copies();
  stale.set_scope("cdn-two/lan-c");
  stale.set_engine("e9");
  stale.set_library(true);
  stale.set_stale(true);
  locate_api::Gap& gap = *reply.add_gaps();
  gap.set_scope("cdn-one/dc-one");
  gap.set_reason(locate_api::SILENT);
  gap.set_text("cdn-one/dc-one did not answer in time");
  AddHop(reply, "cdn-one/lan-a", 0, 3, 1'502'000, 0);
  AddHop(reply, "cdn-one", 1, 3, 1'499'700, 1'501'200);
  AddHop(reply, "cdn-one/dc-two", 2, 1, 420, 1'130);
  AddHop(reply, "exchange", 2, 1, 12'400, 31'000);
  AddHop(reply, "cdn-two", 3, 1, 380, 11'900);
  return reply;
}

}  // namespace

grpc::Status FakeLocation::Trace(grpc::ServerContext*, const locate_api::TraceRequest* request,
                                 locate_api::TraceReply* reply) {
  if (!federated) return {grpc::StatusCode::UNIMPLEMENTED, ""};
  *reply = NewTrace();
  reply->set_canonical_uri(request->uri());
  if (request->uri().ends_with("absent")) {
    reply->clear_copies();
    reply->clear_gaps();
  }
  if (!request->trace()) reply->clear_hops();
  return grpc::Status::OK;
}

}  // namespace strata::cli
