#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/time.h"

// The limits of the attachment of a child to its parent: docs/protocols/attachment.md. Those that
// it shares with the feed are in service_manager/link/limits.h.
namespace strata::manager::hierarchy {

// The same at both sides, or they refuse each other.
inline constexpr uint32_t kAttachProtocol = 1;

// How often a child reports its load and what is beneath it, and how long it waits at least before
// it does so anew because something has changed.
inline constexpr Duration kReportEvery = std::chrono::seconds(1);
inline constexpr Duration kReportGap = std::chrono::milliseconds(200);

// Of one message, at either end.
inline constexpr int kAttachMessageBytesMax = 8 << 20;

// A subtree. What is beyond is left out, the lowest levels first, and counted.
inline constexpr size_t kSubtreeScopesMax = 4096;
inline constexpr size_t kSubtreeBytesMax = 2 << 20;
inline constexpr size_t kManagersPerScopeMax = 8;
inline constexpr size_t kManagerAddressBytesMax = 300;  // A host's name and a port.
inline constexpr size_t kFrontEndsMax = 32;

// From the parent to the top.
inline constexpr size_t kChainMax = 3;

// Children that a parent knows, with a stream or not any more.
inline constexpr size_t kChildrenKnownMax = 80;

// What a child told of its load counts as fresh for so long: docs/protocols/federation.md, 5.1.
inline constexpr Duration kLoadStaleAfter = std::chrono::seconds(10);

}  // namespace strata::manager::hierarchy
