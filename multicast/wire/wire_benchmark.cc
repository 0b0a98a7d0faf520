#include <benchmark/benchmark.h>

#include "common/check.h"
#include "multicast/wire/packets.h"
#include "multicast/wire/seal.h"

// The price of a record and of a datagram on the hot path.

namespace strata::multicast {
namespace {

constexpr size_t kDatagramBytes = 1472;
constexpr GroupId kGroup(1);

// A body of records of 200 bytes, as many as fit.
size_t WriteBody(std::span<uint8_t> buffer, ByteSpan payload, Seq first, size_t& written) {
  ByteWriter out(buffer);
  DataWriter writer(out);
  Record record;
  record.flags = kInit | kNoMore;
  record.payload = payload;
  for (record.seq = first; writer.Add(record); ++record.seq) continue;
  writer.Finish(0, 0);
  written = out.size();
  return writer.count();
}

void EncodeRecords(benchmark::State& state) {
  const Bytes payload(200, 1);
  Bytes buffer(kDatagramBytes - kHeaderBytes - kTagBytes);
  size_t records = 0;
  size_t written = 0;
  for (auto _ : state) {
    records += WriteBody(buffer, payload, 1, written);
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(records));
}
BENCHMARK(EncodeRecords);

void DecodeRecords(benchmark::State& state) {
  const Bytes payload(200, 1);
  Bytes buffer(kDatagramBytes - kHeaderBytes - kTagBytes);
  size_t written = 0;
  WriteBody(buffer, payload, 1, written);
  const ByteSpan body = ByteSpan(buffer).first(written);
  size_t records = 0;
  for (auto _ : state) {
    DataReader reader(body);
    STRATA_CHECK(!reader.Check());
    while (const std::optional<Record> record = reader.Next()) {
      benchmark::DoNotOptimize(*record);
      ++records;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(records));
}
BENCHMARK(DecodeRecords);

void EncodeHeader(benchmark::State& state) {
  Header header;
  Bytes buffer(kHeaderBytes);
  for (auto _ : state) {
    ++header.counter;
    Encode(header, std::span(buffer).first<kHeaderBytes>());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(EncodeHeader);

void ReadHeader(benchmark::State& state) {
  Bytes buffer(kHeaderBytes);
  Encode(Header(), std::span(buffer).first<kHeaderBytes>());
  for (auto _ : state) {
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(DecodeHeader(buffer));
  }
}
BENCHMARK(ReadHeader);

Header HeaderOfPeer() {
  Header header;
  header.type = static_cast<uint8_t>(PacketType::kData);
  header.sender = MemberId(2);
  header.group = kGroup;
  return header;
}

void AddKey(KeyRing& ring, bool sealed) {
  if (sealed) STRATA_CHECK(ring.Add(1, Bytes(32, 7)).ok());
}

// Argument: 1 with encryption, 0 an open group.
void Seal(benchmark::State& state) {
  KeyRing ring;
  AddKey(ring, state.range(0) != 0);
  Sealer sealer(kGroup, ring);
  Bytes datagram(1400);
  Encode(HeaderOfPeer(), std::span(datagram).first<kHeaderBytes>());
  for (auto _ : state) {
    sealer.Seal(datagram);
    benchmark::DoNotOptimize(datagram.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Seal)->Arg(0)->Arg(1);

// Datagrams of several senders in turn: arguments sealed, senders. The price of copying the
// datagram back is in it.
void Open(benchmark::State& state) {
  KeyRing ring;
  AddKey(ring, state.range(0) != 0);
  const auto senders = static_cast<size_t>(state.range(1));
  constexpr size_t kRound = 1 << 14;
  std::vector<Bytes> sealed(kRound, Bytes(1400));
  std::vector<std::unique_ptr<Sealer>> sealers;
  for (size_t i = 0; i < senders; ++i) sealers.push_back(std::make_unique<Sealer>(kGroup, ring));
  for (size_t i = 0; i < kRound; ++i) {
    Header header = HeaderOfPeer();
    header.sender = MemberId(static_cast<uint32_t>(2 + i % senders));
    Encode(header, std::span(sealed[i]).first<kHeaderBytes>());
    sealers[i % senders]->Seal(sealed[i]);
  }
  std::optional<Opener> opener;
  size_t next = kRound;
  Bytes datagram(1400);
  for (auto _ : state) {
    if (next == kRound) {  // The replay window takes no packet twice.
      state.PauseTiming();
      opener.emplace(kGroup, MemberId(1), ring);
      next = 0;
      state.ResumeTiming();
    }
    datagram = sealed[next++];
    STRATA_CHECK(std::holds_alternative<Opener::Opened>(opener->Open(datagram)));
  }
}
BENCHMARK(Open)->Args({0, 1})->Args({1, 1})->Args({1, 16});

}  // namespace
}  // namespace strata::multicast
