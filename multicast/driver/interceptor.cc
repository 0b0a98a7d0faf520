#include "multicast/driver/interceptor.h"

namespace strata::multicast {

Interceptor::~Interceptor() = default;

Interceptor::Verdict LossyLink::OnDatagram(Channel, ByteSpan) {
  if (random_.Chance(odds_.drop)) return Verdict::kDrop;
  if (random_.Chance(odds_.duplicate)) return Verdict::kDuplicate;
  return Verdict::kPass;
}

}  // namespace strata::multicast
