#include "service_engine/core/library_path.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

TEST(LibraryPathTest, NamesTheFileThatIsServedForTheTarget) {
  EXPECT_EQ(*LibraryPathOf("/film.mp4"), "film.mp4");
  EXPECT_EQ(*LibraryPathOf("/a/b+c/d:e@f.ts"), "a/b+c/d:e@f.ts");
  EXPECT_EQ(*LibraryPathOf("/caf%C3%A9%20%7C.mp4"), "caf\xC3\xA9 |.mp4");
  EXPECT_EQ(*LibraryPathOf("/a%3Fb"), "a?b");
  EXPECT_EQ(*LibraryPathOf("/" + std::string(255, 'x')), std::string(255, 'x'));
}

TEST(LibraryPathTest, RefusesWhatNoFileStandsFor) {
  for (const char* target :
       {"", "/", "a", "/a/", "//a", "/a//b", "/.hidden", "/a/.b/c", "/a?b=c", "/a%2Fb", "/a%2Bb",
        "/a%2", "/a%", "/a%zz", "/%2Ehidden", "/a%00b", "/a b", "/..", "/a/../b"}) {
    EXPECT_EQ(LibraryPathOf(target).status().code(), StatusCode::kInvalidArgument) << target;
  }
  EXPECT_FALSE(LibraryPathOf("/" + std::string(256, 'x')).ok());
  std::string deep;
  for (size_t i = 0; i < kLibraryDepthMax; ++i) deep += "/d";
  EXPECT_TRUE(LibraryPathOf(deep).ok());
  EXPECT_FALSE(LibraryPathOf(deep + "/d").ok());
}

}  // namespace
}  // namespace strata::engine
