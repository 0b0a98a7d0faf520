#pragma once

// For tests: a network namespace of one's own, in which lo is up and takes IPv6 multicast too (an
// ordinary lo has no route for it).
namespace strata::multicast {

// Moves this process there; call before there are threads. False where the system forbids it: the
// process then stays where it was.
bool EnterPrivateNetwork();

// Takes lo down, or up with its route for IPv6 multicast; only ever after EnterPrivateNetwork.
bool SetLoopbackUp(bool up);

}  // namespace strata::multicast
