#include <algorithm>

#include "common/check.h"
#include "multicast/wire/seal.h"

// The input is a series of datagrams, each behind its length (two bytes). Every one is opened as it
// is, in a sealed and in an open group; then, if it has a header, once more after it was sealed by
// a peer that holds the key, so that what lies behind the authentication is reached too.

namespace strata::multicast {
namespace {

constexpr GroupId kGroup(0x1122334455667788);
constexpr MemberId kSelf(1);
constexpr size_t kDatagramsMax = 64;

struct Receiver {
  explicit Receiver(bool sealed) {
    if (!sealed) return;
    STRATA_CHECK(ring.Add(1, Bytes(16, 0xa5)).ok());
    STRATA_CHECK(ring.Add(2, Bytes(32, 0x5a)).ok());
  }

  KeyRing ring;
  Sealer sealer{kGroup, ring};
  Opener opener{kGroup, kSelf, ring};
};

void OpenTwice(Receiver& receiver, const Bytes& datagram) {
  Bytes copy = datagram;
  const auto first = receiver.opener.Open(copy);
  if (const auto* opened = std::get_if<Opener::Opened>(&first)) {
    STRATA_CHECK(opened->header.sender != kSelf && opened->header.group == kGroup);
    STRATA_CHECK(opened->body.size() + kHeaderBytes + receiver.sealer.overhead() == copy.size());
    copy = datagram;
    const auto second = receiver.opener.Open(copy);
    STRATA_CHECK(std::get<OpenError>(second) == OpenError::kReplayed);
  }
}

// Seals it as a member would, with the key that its key id byte chooses.
void SealAndOpen(Receiver& receiver, Bytes datagram) {
  if (datagram.size() < kHeaderBytes) return;
  const Bytes body(datagram.begin() + kHeaderBytes, datagram.end());
  if (!receiver.ring.open()) STRATA_CHECK(receiver.ring.Use(1 + (datagram[kKeyIdOffset] & 1)).ok());
  datagram.resize(datagram.size() + receiver.sealer.overhead());
  receiver.sealer.Seal(datagram);
  const Decoded<Header> header = DecodeHeader(datagram);
  const auto opened = receiver.opener.Open(datagram);
  const auto* error = std::get_if<OpenError>(&opened);
  STRATA_CHECK(error == nullptr ||
               (*error != OpenError::kForged && *error != OpenError::kUnknownKey &&
                *error != OpenError::kWrongSecurity));
  if (error != nullptr) return;
  STRATA_CHECK(std::get<Opener::Opened>(opened).header == std::get<Header>(header));
  STRATA_CHECK(AsText(std::get<Opener::Opened>(opened).body) == AsText(body));
}

void CheckSeries(ByteSpan series) {
  Receiver open(false);
  Receiver sealed(true);
  ByteReader in(series);
  for (size_t i = 0; i < kDatagramsMax && in.remaining() > 0; ++i) {
    const size_t length = in.U16();
    const ByteSpan bytes = in.Take(std::min(length, in.remaining()));
    const Bytes datagram(bytes.begin(), bytes.end());
    for (Receiver* receiver : {&open, &sealed}) {
      OpenTwice(*receiver, datagram);
      SealAndOpen(*receiver, datagram);
    }
  }
}

}  // namespace
}  // namespace strata::multicast

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::multicast::CheckSeries({data, size});
  return 0;
}
