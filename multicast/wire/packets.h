#pragma once

#include "multicast/wire/control.h"
#include "multicast/wire/data.h"
#include "multicast/wire/header.h"
#include "multicast/wire/transfer.h"
#include "multicast/wire/views.h"

// The packets of docs/protocols/multicast.md, sections 3 and 4: structs, and functions between them
// and bytes. No policy: what a member thinks of a well-formed packet is the core's business.
//
// Encoders write the *body* with a ByteWriter that the caller sized. writer.ok() is false after an
// overflow, and after a list that is longer than the packet can say.
// Decoders take the body, never allocate more than its size warrants, and answer kMalformed to what
// section 4 does not allow, be it cut short or out of range. What they return, Encode can write.
