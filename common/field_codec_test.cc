#include "common/field_codec.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

std::string WhatIsWrong(const Bytes& bytes, void (*read)(FieldReader&)) {
  ByteReader reader(bytes);
  FieldReader in(reader);
  read(in);
  return MessageOf(in.status());
}

TEST(FieldCodecTest, ReadsWhatItWrote) {
  Bytes bytes;
  FieldAppender out(bytes);
  out.U8(1);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.Ratio(1.5);
  out.Text("films");
  EXPECT_EQ(bytes[1], 2);  // Big-endian.
  ByteReader reader(bytes);
  FieldReader in(reader);
  EXPECT_TRUE(in.Bool("flag"));
  EXPECT_EQ(in.U16("two"), 0x0203);
  EXPECT_EQ(in.U32("four"), 0x04050607u);
  EXPECT_EQ(in.Ratio("ratio"), 1.5);
  EXPECT_EQ(in.Text(5, "text"), "films");
  EXPECT_TRUE(in.status().ok());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(FieldCodecTest, NamesTheFirstFieldThatIsWrong) {
  EXPECT_EQ(WhatIsWrong({2, 9}, [](FieldReader& in) { in.Bool("flag"), in.U32("size"); }),
            "field flag is neither 0 nor 1");
  EXPECT_EQ(WhatIsWrong({0, 9}, [](FieldReader& in) { in.Bool("flag"), in.U32("size"); }),
            "field size is cut off or wrong");
  EXPECT_EQ(WhatIsWrong({3, 'a', 'b', 'c'}, [](FieldReader& in) { in.Text(2, "name"); }),
            "field name is too long");
  EXPECT_EQ(WhatIsWrong({1, '\n'}, [](FieldReader& in) { in.Text(2, "name"); }),
            "field name has control characters");
  EXPECT_EQ(WhatIsWrong({9}, [](FieldReader& in) { in.Count(in.U8("n"), 10, 4, "items"); }),
            "field items promises more than there is");
}

}  // namespace
}  // namespace strata
