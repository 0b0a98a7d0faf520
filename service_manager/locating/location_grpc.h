#pragma once

// What is generated for callbacks hides what is generated for threads, of which the house's
// warnings complain.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#include "proto/locate.grpc.pb.h"  // IWYU pragma: export
#pragma GCC diagnostic pop
