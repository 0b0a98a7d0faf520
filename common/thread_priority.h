#pragma once

namespace strata {

// The calling thread works through a bulk that nobody waits for: where processors are short, others
// go before it (nice 10), though it never stands still. For ever: an ordinary process may not take
// it back. A system that refuses leaves the thread as it was.
void YieldToOthers();

}  // namespace strata
