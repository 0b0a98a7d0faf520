#include <array>

#include "common/address.h"
#include "common/check.h"

// Whatever parses must be written in a form that parses to the same; whatever decodes must encode
// to the bytes it came from.

namespace strata {
namespace {

void CheckTexts(std::string_view text) {
  if (const StatusOr<IpAddress> address = IpAddress::Parse(text); address.ok()) {
    const StatusOr<IpAddress> again = IpAddress::Parse(ToString(*address));
    STRATA_CHECK(again.ok() && *again == *address);
    STRATA_CHECK(ToString(*again) == ToString(*address));
  }
  if (const StatusOr<Endpoint> endpoint = Endpoint::Parse(text); endpoint.ok()) {
    const StatusOr<Endpoint> again = Endpoint::Parse(ToString(*endpoint));
    STRATA_CHECK(again.ok() && *again == *endpoint);
  }
}

void CheckBytes(ByteSpan bytes) {
  ByteReader reader(bytes);
  const Endpoint endpoint = DecodeEndpoint(reader);
  if (!reader.ok()) return;
  std::array<uint8_t, kEndpointEncodedMax> buffer;
  ByteWriter writer(buffer);
  Encode(endpoint, writer);
  STRATA_CHECK(writer.ok());
  const ByteSpan read = bytes.first(bytes.size() - reader.remaining());
  STRATA_CHECK(AsText(writer.written()) == AsText(read));
}

}  // namespace
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const strata::ByteSpan bytes(data, size);
  strata::CheckTexts(strata::AsText(bytes));
  strata::CheckBytes(bytes);
  return 0;
}
