#include "service_engine/core/nginx_cache_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "farm/asset.h"

namespace strata::engine {
namespace {

// Files that nginx 1.22 wrote.
Bytes Sample(const std::string& name) {
  std::ifstream file("service_engine/core/testdata/nginx_cache_file_corpus/" + name,
                     std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

NginxCacheFile Parsed(const Bytes& bytes) {
  const StatusOr<NginxCacheFile> file = ParseNginxCacheFile(bytes);
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  return file.ok() ? *file : NginxCacheFile();
}

std::string Refusal(const Bytes& bytes) {
  const StatusOr<NginxCacheFile> file = ParseNginxCacheFile(bytes);
  return file.ok() ? "accepted" : MessageOf(file.status());
}

TEST(NginxCacheFileTest, ReadsAnOrdinaryFile) {
  const Bytes bytes = Sample("plain");
  const NginxCacheFile file = Parsed(bytes);
  EXPECT_EQ(file.key, "http://films.example/f.txt");
  EXPECT_EQ(file.status, 200);
  EXPECT_TRUE(file.IsCopy());
  EXPECT_EQ(file.etag, "\"6b006fa6-c\"");
  EXPECT_EQ(file.Validator(), "\"6b006fa6-c\"");
  EXPECT_EQ(file.last_modified, 0x6b006fa6);
  EXPECT_EQ(file.valid_until, 0x6b0070e2);
  EXPECT_EQ(file.content_length, 12u);
  EXPECT_EQ(bytes.size() - file.body_start, 12u);
  EXPECT_TRUE(file.vary.empty());
}

TEST(NginxCacheFileTest, TellsVariantsApart) {
  std::vector<NginxCacheFile> files;
  for (const auto& entry : {"vary_0", "vary_3"}) files.push_back(Parsed(Sample(entry)));
  EXPECT_EQ(files[0].key, files[1].key);
  EXPECT_EQ(files[0].vary, "Accept-Encoding");
  EXPECT_NE(files[0].variant, files[1].variant);
}

TEST(NginxCacheFileTest, AnErrorIsNoCopy) {
  const NginxCacheFile file = Parsed(Sample("not_found"));
  EXPECT_EQ(file.key, "http://films.example/nf?a=b");
  EXPECT_EQ(file.status, 404);
  EXPECT_FALSE(file.IsCopy());
  EXPECT_EQ(file.last_modified, -1);
  EXPECT_EQ(file.Validator(), "");
}

TEST(NginxCacheFileTest, TheTimeOfChangeIsTheValidatorWhereThereIsNoEtag) {
  NginxCacheFile file;
  file.last_modified = 77;
  EXPECT_EQ(file.Validator(), "t77");
  file.etag = std::string(128, 'e');
  EXPECT_LE(file.Validator().size(), farm::kMaxValidator);
  EXPECT_EQ(file.Validator()[0], '#');
}

TEST(NginxCacheFileTest, RefusesWhatIsCutOff) {
  const Bytes bytes = Sample("plain");
  const size_t body_start = Parsed(bytes).body_start;
  for (size_t size = 0; size < body_start; ++size) {
    EXPECT_FALSE(ParseNginxCacheFile(ByteSpan(bytes.data(), size)).ok()) << size;
  }
  EXPECT_TRUE(ParseNginxCacheFile(ByteSpan(bytes.data(), body_start)).ok());
}

TEST(NginxCacheFileTest, SaysWhatIsWrong) {
  Bytes bytes = Sample("plain");
  bytes[0] = 6;
  EXPECT_EQ(Refusal(bytes), "cache file version 6, known is 5");
  bytes = Sample("plain");
  bytes[58] = 129;
  EXPECT_EQ(Refusal(bytes), "ETag of 129 bytes");
  bytes = Sample("plain");
  bytes[337] = 'k';
  EXPECT_EQ(Refusal(bytes), "no KEY line");
  bytes = Sample("plain");
  bytes[350] = '\n';
  EXPECT_EQ(Refusal(bytes), "the KEY line does not end where the header starts");
  bytes = Sample("plain");
  bytes[0x171] = 'X';
  EXPECT_EQ(Refusal(bytes), "no status line after the key");
}

}  // namespace
}  // namespace strata::engine
