#pragma once

namespace strata {

// Whoever links this has timed waits of Abseil's Mutex and CondVar that end by the monotonic clock,
// whatever happens to the wall clock meanwhile. Does nothing when it is called: the call is what
// makes the linker take the functions that replace the library's.
void UseMonotonicWaits();

}  // namespace strata
